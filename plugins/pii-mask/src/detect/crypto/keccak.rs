//! Keccak-256 of one short message: what EIP-55 needs, and nothing more.
//!
//! The original Keccak padding (0x01), not SHA-3's. Source: the Keccak reference, version 3.0.

/// The rate in bytes; a message must be shorter.
const RATE: usize = 136;

/// The hash of a message shorter than the rate.
pub fn hash(message: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; RATE];
    for (slot, byte) in block.iter_mut().zip(message) {
        *slot = *byte;
    }
    if let Some(slot) = block.get_mut(message.len()) {
        *slot |= 0x01;
    }
    if let Some(last) = block.last_mut() {
        *last |= 0x80;
    }
    let mut state = [0_u64; 25];
    for (lane, bytes) in state.iter_mut().zip(block.chunks_exact(8)) {
        *lane = bytes.iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte));
    }
    permute(&mut state);
    let mut out = [0_u8; 32];
    for (chunk, lane) in out.chunks_exact_mut(8).zip(state) {
        chunk.copy_from_slice(&lane.to_le_bytes());
    }
    out
}

/// Keccak-f[1600].
fn permute(state: &mut [u64; 25]) {
    const ROTATIONS: [u32; 24] =
        [1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44];
    const PLACES: [usize; 24] =
        [10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1];
    let mut lfsr = 1_u8;
    for _ in 0..24 {
        let get = |s: &[u64; 25], i: usize| s.get(i % 25).copied().unwrap_or(0);
        // Theta.
        let mut parity = [0_u64; 5];
        for (x, slot) in parity.iter_mut().enumerate() {
            *slot = (0..5).fold(0, |n, y| n ^ get(state, x + 5 * y));
        }
        let column = |x: usize| parity.get(x % 5).copied().unwrap_or(0);
        for (i, lane) in state.iter_mut().enumerate() {
            *lane ^= column(i % 5 + 4) ^ column(i % 5 + 1).rotate_left(1);
        }
        // Rho and pi.
        let mut last = get(state, 1);
        for (rotation, place) in ROTATIONS.iter().zip(PLACES) {
            if let Some(lane) = state.get_mut(place) {
                let next = *lane;
                *lane = last.rotate_left(*rotation);
                last = next;
            }
        }
        // Chi.
        let before = *state;
        for (i, lane) in state.iter_mut().enumerate() {
            let row = i - i % 5;
            *lane = get(&before, i)
                ^ (!get(&before, row + (i % 5 + 1) % 5) & get(&before, row + (i % 5 + 2) % 5));
        }
        // Iota: the round constants come from an eight-bit shift register.
        let mut constant = 0_u64;
        for bit in [0, 1, 3, 7, 15, 31, 63] {
            constant |= u64::from(lfsr & 1) << bit;
            lfsr = lfsr << 1 ^ if lfsr & 0x80 != 0 { 0x71 } else { 0 };
        }
        if let Some(first) = state.first_mut() {
            *first ^= constant;
        }
    }
}
