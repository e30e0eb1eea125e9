//! The files that a new demo has in its public folder, so that there is something to look at.

/// The folder they are in.
pub(super) const FOLDER: &str = "Welcome to Zebu";

/// One file.
pub(super) struct Sample {
    pub(super) name: &'static str,
    /// Its media type.
    pub(super) mime: &'static str,
    pub(super) description: &'static str,
    pub(super) content: &'static [u8],
}

/// All of them.
pub(super) const SAMPLES: [Sample; 4] = [
    Sample {
        name: "Welcome.md",
        mime: "text/markdown",
        description: "What to try in the first ten minutes",
        content: include_bytes!("samples/Welcome.md"),
    },
    Sample {
        name: "Connect your file manager.txt",
        mime: "text/plain",
        description: "WebDAV from Windows, macOS, Linux and rclone",
        content: include_bytes!("samples/Connect your file manager.txt"),
    },
    Sample {
        name: "Permissions at a glance.csv",
        mime: "text/csv",
        description: "What each role may do in a folder",
        content: include_bytes!("samples/Permissions at a glance.csv"),
    },
    Sample {
        name: "How a cluster works.svg",
        mime: "image/svg+xml",
        description: "The processes of this demo and how they work together",
        content: include_bytes!("samples/How a cluster works.svg"),
    },
];
