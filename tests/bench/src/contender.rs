//! Who takes part: the program, how it is started, and what of it would be deployed.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::DeflateEncoder;

use crate::Result;
use crate::work::Work;

/// Memory of each function, in MB: the template's.
pub const MEMORY_MB: u64 = 256;

/// What a lane's zipped artefact may have, in MB (10^6 bytes); `make release` holds the zips to it.
pub const ZIP_MB_MAX: f64 = 5.0;

/// Deepest folder of an artefact.
const DEPTH_MAX: usize = 16;

/// One who takes part.
#[derive(Clone, Debug)]
pub struct Contender {
    /// As the summary calls it.
    pub name: &'static str,
    /// As people do.
    pub title: &'static str,
    /// The messages that it gets.
    pub work: Work,
    /// What is started.
    pub program: PathBuf,
    /// With what.
    pub arguments: Vec<OsString>,
    /// With what beside [`Contender::environment`]'s own.
    pub variables: Vec<(&'static str, OsString)>,
    /// Files and folders that would be deployed.
    pub artefact: Vec<PathBuf>,
}

/// Where programs and folders lie.
#[derive(Clone, Debug)]
pub struct Places {
    /// The repository.
    pub root: PathBuf,
    /// The folder of the compiled programs.
    pub programs: PathBuf,
    /// Where the benchmark writes.
    pub out: PathBuf,
}

impl Places {
    /// The one program of all lanes, as it was built beside the harness.
    #[must_use]
    pub fn lane(&self) -> PathBuf {
        self.programs.join("lane")
    }

    /// Beside the running program; `root` is where it was compiled.
    ///
    /// # Errors
    /// When the program does not know where it lies.
    pub fn here(out: PathBuf) -> Result<Self> {
        let program = std::env::current_exe()?;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        Ok(Self {
            root: fs::canonicalize(root)?,
            programs: program.parent().unwrap_or(Path::new(".")).to_owned(),
            out,
        })
    }
}

impl Contender {
    /// The environment as Lambda sets it, and the stub's address wherever a client looks for one.
    pub fn environment(&self, stub: SocketAddr) -> Vec<(&'static str, OsString)> {
        let url = format!("http://{stub}");
        let mut variables: Vec<(&'static str, OsString)> = vec![
            ("PATH", std::env::var_os("PATH").unwrap_or_default()),
            ("AWS_LAMBDA_RUNTIME_API", stub.to_string().into()),
            ("AWS_LAMBDA_FUNCTION_NAME", "bench".into()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".into()),
            (
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                MEMORY_MB.to_string().into(),
            ),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench".into()),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "bench".into()),
            ("AWS_REGION", "us-east-1".into()),
            ("AWS_DEFAULT_REGION", "us-east-1".into()),
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE".into()),
            (
                "AWS_SECRET_ACCESS_KEY",
                "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
            ),
            ("AWS_SESSION_TOKEN", "AQoDYXdzEJr1K5dexample".into()),
            ("AWS_ENDPOINT_URL", url.clone().into()),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
            ("REQUESTS_TABLE", "Requests".into()),
            ("LANES_TABLE", "Lanes".into()),
            ("MAPPINGS_TABLE", "Mappings".into()),
            ("QUEUE_URL", format!("{url}/000000000000/queue").into()),
            ("DLQ_URL", format!("{url}/000000000000/dlq").into()),
            ("PROVIDER", self.work.provider().into()),
            ("PROVIDER_BASE_URL", format!("{url}/vendor").into()),
        ];
        variables.extend(self.variables.iter().cloned());
        variables
    }

    /// What the artefact weighs when zipped, in MB (10^6 bytes): each file deflated, without the archive's headers.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn zip_mb(&self) -> Result<f64> {
        let mut bytes = 0;
        for path in &self.artefact {
            bytes += deflated(path, 0)?;
        }
        Ok(bytes as f64 / 1e6)
    }
}

fn deflated(path: &Path, depth: usize) -> Result<u64> {
    if path.is_dir() {
        // Bytecode is made by the process, and no part of what is deployed.
        if depth > DEPTH_MAX || path.ends_with("__pycache__") {
            return Ok(0);
        }
        let entries = fs::read_dir(path)?.map(|entry| deflated(&entry?.path(), depth + 1));
        return entries.sum();
    }
    let mut encoder = DeflateEncoder::new(Count(0), Compression::default());
    encoder.write_all(&fs::read(path)?)?;
    Ok(encoder.finish()?.0)
}

struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The bare loop.
pub fn floor(places: &Places) -> Contender {
    rust(places, "floor", "bare loop", "bench-floor", &[])
}

/// The handler that everybody writes first, and what makes it faster step by step.
pub fn naive(places: &Places) -> Vec<Contender> {
    let step = |name, title, flags: &[&str]| rust(places, name, title, "bench-naive", flags);
    vec![
        step("naive", "naive handler", &[]),
        step(
            "naive-reuse",
            "+ one client, connections reused",
            &["--reuse"],
        ),
        step(
            "naive-parallel",
            "+ the batch in parallel",
            &["--reuse", "--parallel"],
        ),
        step(
            "naive-cached",
            "+ secret and breaker remembered",
            &["--reuse", "--parallel", "--cached"],
        ),
        step(
            "naive-claims",
            "+ one conditional write in place of a read",
            &["--reuse", "--parallel", "--cached", "--claims"],
        ),
    ]
}

fn rust(
    places: &Places,
    name: &'static str,
    title: &'static str,
    program: &str,
    flags: &[&str],
) -> Contender {
    let program = places.programs.join(program);
    Contender {
        name,
        title,
        work: Work::Stripe,
        artefact: vec![program.clone()],
        program,
        arguments: flags.iter().map(Into::into).collect(),
        variables: Vec::new(),
    }
}

/// A lane: the one program, `built`, with its pack beside it, laid as `infra/build/lay-lane` does.
///
/// # Errors
/// When the program was not built, or the folder cannot be written.
pub fn lane(places: &Places, built: &Path, work: Work, title: &'static str) -> Result<Contender> {
    let provider = work.provider();
    let folder = places.out.join("lanes").join(provider);
    let pack = folder.join("pack");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&pack)?;
    let program = folder.join("bootstrap");
    fs::copy(built, &program).map_err(|error| format!("{}: {error}", built.display()))?;
    let source = places.root.join("functions").join(provider);
    for file in ["provider.toml", "operations.jsonl"] {
        fs::copy(source.join(file), pack.join(file))?;
    }
    let mappings = source.join("mappings");
    if mappings.is_dir() {
        fs::create_dir_all(pack.join("mappings"))?;
        for mapping in fs::read_dir(mappings)? {
            let mapping = mapping?;
            fs::copy(
                mapping.path(),
                pack.join("mappings").join(mapping.file_name()),
            )?;
        }
    }
    Ok(Contender {
        name: provider,
        title,
        work,
        program,
        arguments: Vec::new(),
        variables: Vec::new(),
        artefact: vec![folder],
    })
}
