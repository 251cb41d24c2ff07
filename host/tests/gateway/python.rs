//! The Python packages that applications use, the providers' own first. A warning is an error.

use crate::packages::{environment, script, without_version};
use tokio::process::Command;

/// Runs the script of a package, in the environment that has it.
async fn run(package: &str, base_url: impl FnOnce(String) -> String) {
    let mut command = Command::new(environment(package).join("bin/python3"));
    command.args(["-W", "error"]).arg(script(&format!("{}_package.py", package.replace('-', "_"))));
    crate::packages::run(command, base_url).await;
}

#[tokio::test]
async fn the_openai_package_works_unchanged() {
    run("openai", |url| url).await;
}

#[tokio::test]
async fn the_anthropic_package_works_unchanged() {
    run("anthropic", without_version).await;
}

#[tokio::test]
async fn the_google_genai_package_works_unchanged() {
    run("google-genai", without_version).await;
}

#[tokio::test]
async fn the_mistralai_package_works_unchanged() {
    run("mistralai", without_version).await;
}

#[tokio::test]
async fn the_cohere_package_works_unchanged() {
    run("cohere", |url| url.trim_end_matches("/v1").to_owned()).await;
}

#[tokio::test]
async fn litellm_works_as_a_client() {
    run("litellm", |url| url).await;
}

#[tokio::test]
async fn langchain_openai_works_as_a_client() {
    run("langchain-openai", |url| url).await;
}
