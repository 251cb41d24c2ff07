#!/usr/bin/env python3
"""Writes what the fuzz targets begin with: `seeds.py FOLDER`, one folder below it for each target.

Everything comes from this repository's own tests, examples and schemas, never from the data that plugins are measured with.
Nothing is read that is not named here, and nothing is written into the repository.
"""

import base64
import json
import re
import struct
import sys
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
APIS = ["openai", "anthropic", "gemini", "responses", "cohere"]


def strings(source):
    """The texts of a Rust source, as far as they are plain."""
    yield from (text.encode(errors="replace").decode() for text in literals(source))


def literals(source):
    for match in re.finditer(r'r#+"(.*?)"#+|"((?:[^"\\]|\\.)*)"', source, re.S):
        if match.group(1) is not None:
            yield match.group(1)
            continue
        text = re.sub(r"\\\n\s*", "", match.group(2))
        try:
            yield json.loads('"' + text.replace("\n", "\\n").replace("\\'", "'").replace("\\0", "\\u0000") + '"')
        except ValueError:
            continue


def documents(source):
    """The JSON in `json!(…)` and in texts, as far as it is plain."""
    for match in re.finditer(r"json!\(", source):
        depth, at, quoted = 1, match.end(), False
        while depth and at < len(source):
            char = source[at]
            if char == "\\":
                at += 1
            elif char == '"':
                quoted = not quoted
            elif not quoted:
                depth += (char in "([{") - (char in ")]}")
            at += 1
        body = re.sub(r"\\\n\s*", "", source[match.end() : at - 1])
        yield re.sub(r",(\s*[}\]])", r"\1", body)
    yield from strings(source)


def parsed(source):
    for text in documents(source):
        try:
            value = json.loads(text)
        except ValueError:
            continue
        if isinstance(value, (dict, list)):
            yield value


def sources(*patterns):
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern)):
            yield path, path.read_text()


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")


def message(headers, payload):
    """A message of Amazon's event stream."""
    head = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    body = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + payload
    return body + struct.pack(">I", zlib.crc32(body))


def eventstream():
    kinds = [
        {":message-type": "event", ":event-type": "contentBlockDelta", ":content-type": "application/json"},
        {":message-type": "exception", ":exception-type": "throttlingException"},
        {":message-type": "error", ":error-code": "Bad", ":error-message": "no"},
        {"x": "y"},
    ]
    whole = [message(kind, b'{"delta":{"text":"a"}}') for kind in kinds]
    yield from (b"\x03" + one for one in whole)
    yield b"\x09" + b"".join(whole)
    yield b"\x08" + b"".join(whole)


def formats():
    for path, source in sources("host/src/format/**/*.rs", "host/src/chat/*.rs", "host/tests/**/*.rs", "docs/*.md"):
        api = next((n for n, api in enumerate(APIS) if api in str(path)), 0)
        for value in parsed(source):
            if not isinstance(value, dict):
                continue
            body = compact(value)
            for operation in range(7) if api in (0, 4) and len(body) < 300 else (0,):
                yield bytes([api, operation]) + body


def answers():
    for _, source in sources("host/src/format/**/*.rs", "host/tests/**/*.rs", "host/src/chat/*.rs"):
        frames = [compact(v) for v in parsed(source) if isinstance(v, dict)]
        yield from frames
        streamed = [frame for frame in frames if b'"delta"' in frame]
        for at in range(0, len(streamed), 4):
            yield b"\n".join(streamed[at : at + 4])


def sse():
    for _, source in sources("host/src/sse/*.rs", "host/src/format/**/*.rs", "host/tests/**/*.rs"):
        for text in strings(source):
            if re.search(r"(^|\n)(data|event|id|retry)?:", text) and len(text) < 2000:
                yield bytes([len(text) % 7 + 1]) + text.encode()
    yield b"\x01\xef\xbb\xbfdata: a\r\ndata:b\r\r\nevent: x\ndata\n\n: c\n\n"


def form():
    part = b'--b\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    file = b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\ncontent-type: audio/wav\r\n\r\n\0\r\n--\r\n'
    model, late = part % (b"model", b"m"), part % (b"timestamp_granularities[]", b"word")
    for body in (model + file, file + model, model + late + late + file + late, file + file, model):
        body += b"--b--\r\n"
        yield b"\x07" + body
        yield b"\x06multipart/form-data; boundary=\"b\"\n" + body
        yield b"\x00multipart/form-data; charset=utf-8; boundary=b\n" + body


def config():
    for _, source in sources("examples/**/*.yaml", "deploy/**/*.yaml"):
        yield source.encode()
    for _, source in sources("docs/*.md", "README.md"):
        yield from (block.encode() for block in re.findall(r"```yaml\n(.*?)```", source, re.S))
    for _, source in sources("host/src/config/**/*.rs", "host/src/app/**/*.rs"):
        yield from (t.encode() for t in strings(source) if "\n" in t and ":" in t)


def tokens():
    for _, source in sources("docs/*.md", "host/src/tokens/*.rs"):
        for text in source.split("\n\n"):
            yield b"\x2a\0\0\0\0\0\0\0" + text.encode() + b"\0gpt-4o"


def identity():
    key = '{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","use":"sig","alg":"EdDSA","x":"AAAA"},'
    key += '{"kty":"RSA","n":"%s","e":"AQAB"},' % ("A" * 342)
    key += '{"kty":"EC","crv":"P-256","x":"%s","y":"%s"},' % ("A" * 43, "B" * 43)
    key += '{"kty":"EC","crv":"P-384","x":"%s","y":"%s"}]}' % ("A" * 64, "B" * 64)
    claims = '{"iss":"https://i","aud":["a","b"],"exp":1800000000,"nbf":1.5,"sub":"a b","scope":"a b","act":{"sub":7},"a/b":["a"]}'
    yield f"{claims}\n{key}".encode()
    for head in ('{"alg":"EdDSA","kid":"k"}', '{"alg":"RS256","typ":"at+jwt"}', '{"alg":"none"}', '{"alg":"ES384"}'):
        part = [base64.urlsafe_b64encode(p.encode()).decode().rstrip("=") for p in (head, claims)]
        yield f"{'.'.join(part)}.{'A' * 128}\n{key}".encode()


def headers():
    wait = "retry-after: Tue, 14 Nov 2023 22:14:00 GMT\nretry-after-ms: 1.5e3"
    said = "x-lockgate-user: ann\nx-lockgate-agent: a 1\nx-lockgate-on-behalf-of: b\nx-lockgate-priority: low"
    tags = "x-lockgate-tags: run=7, feature=search,nightly\nx-request-id: r-1"
    for path in ("/chat/completions?a=b", "/%2e%2e/x", "//other.example/", "https://provider.example/v1/x", "a/../b"):
        for first in "\0\1":
            yield f"{first}{path}\n{wait}\n{said}\n{tags}".encode()


def mend():
    for _, source in sources("plugins/output-validator/src/**/*.rs"):
        yield from (bytes([len(t) % 16]) + t.encode() for t in strings(source) if re.search(r"[\[{\"']", t))


def mask():
    for _, source in sources("plugins/pii-mask/src/**/*.rs"):
        texts = [t for t in strings(source) if 6 <= len(t) <= 400 and re.search(r"[\d<@ ]", t)]
        yield from (bytes([len(t) % 256]) + t.encode() for t in texts)
        yield from (bytes([len(a)]) + f"{a}\0{b}".encode() for a, b in zip(texts[::9], texts[4::9]) if len(a) < 256)


def main():
    folder = Path(sys.argv[1])
    for target in (answers, config, eventstream, form, formats, headers, identity, mask, mend, sse, tokens):
        (folder / target.__name__).mkdir(parents=True, exist_ok=True)
        seeds = {seed for seed in target() if len(seed) <= 16_384}
        for seed in seeds:
            name = f"{zlib.crc32(seed):08x}"
            (folder / target.__name__ / name).write_bytes(seed)
        print(f"{target.__name__}: {len(seeds)}")


main()
