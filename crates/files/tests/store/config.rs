//! Opening: what is wrong with a directory is said when the node starts, with its path.

use tempfile::TempDir;
use zebu_files::{Config, Error, FileStore};

use crate::support::files_under;

async fn refusal(config: &Config) -> String {
    match FileStore::open(config).await {
        Err(Error::Config(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_missing_directory_is_created_and_left_empty() {
    let parent = TempDir::new().unwrap();
    let directory = parent.path().join("new");
    FileStore::open(&Config::new(format!("file://{}", directory.display()))).await.unwrap();
    assert!(directory.is_dir());
    assert!(files_under(&directory).is_empty());
}

#[tokio::test]
async fn a_directory_whose_parent_is_missing_is_refused_as_a_mount_that_is_not_there() {
    let parent = TempDir::new().unwrap();
    let directory = parent.path().join("not-mounted/files");
    let text = refusal(&Config::new(format!("file://{}", directory.display()))).await;
    assert!(text.contains(&directory.display().to_string()), "{text}");
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_to_is_refused_with_its_path() {
    // Not even root may create files here.
    let text = refusal(&Config::new("file:///proc")).await;
    assert!(text.starts_with("file store /proc: cannot write to the directory: "), "{text}");
}

#[tokio::test]
async fn a_file_instead_of_a_directory_is_refused_with_its_path() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = refusal(&Config::new(format!("file://{}", file.path().display()))).await;
    assert!(text.contains(&file.path().display().to_string()), "{text}");
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_by_name() {
    let directory = TempDir::new().unwrap();
    let config = Config { jobs_max: 0, ..Config::new(format!("file://{}", directory.path().display())) };
    assert!(refusal(&config).await.contains("jobs_max"));
    assert!(refusal(&Config::new("s3://bucket")).await.contains("s3://bucket"));
}
