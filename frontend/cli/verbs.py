"""The verbs of `render`, known by name before any of them is loaded."""

GROUPS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Submit",
        (
            ("add", "queue the scenes of .blend files, an info file or any command"),
            ("info", "say which scenes and frames .blend files hold"),
            ("video", "make a movie of a job's frames when it is done"),
        ),
    ),
    (
        "Look",
        (
            ("jobs", "list jobs and how far they are"),
            ("chunks", "list the chunks of a job"),
            ("nodes", "list the nodes of the farm"),
            ("log", "show what a chunk's command printed"),
            ("why", "say per node why it does or does not take a job"),
            ("watch", "show the farm, drawn again as it changes"),
            ("wait", "wait for jobs to end, with progress"),
            ("stats", "show what the journals know: frames, hours, failures"),
            ("verify", "find missing, broken, odd or black frames"),
        ),
    ),
    (
        "Change jobs",
        (
            ("hold", "start nothing more of a job"),
            ("release", "let a held job run again"),
            ("cancel", "start nothing more of a job and stop what runs"),
            ("retry", "run the failed chunks of a job again"),
            ("redo", "render some frames of a job again"),
            ("skip", "count chunks as done without running them"),
            ("priority", "give a job another priority"),
            ("limit", "change a running job's nodes, pools, memory, blocklist or note"),
            ("rm", "remove jobs that are over"),
        ),
    ),
    (
        "Nodes and settings",
        (
            ("node", "pause, resume, drain, undrain, restart, quit or kill on a node"),
            ("config", "show this machine's settings"),
        ),
    ),
)
NAMES = tuple(name for _, verbs in GROUPS for name, _ in verbs)
USAGE = "render VERB [options]"
EXAMPLES = """\
  render add shot010.blend                     every scene, its own range
  render add shot010.blend --scene Main --frames 1-250x2,300
  render add --command 'prog {start} {end}' --frames 1-100
  render jobs                                  what is queued, running, failed
  render why shot010                           why it does not render
  render wait shot010                          progress; exit status 0 when done
"""
EXITS = """\
Exit status: 0 done, 1 failed, 2 usage, 3 partly done, 10 spool unreachable,
11 lock timeout, 12 format newer than this program, 13 daemon not running, 130 interrupted.
"""


def overview() -> str:
    """The text of `render --help`."""
    parts = [f"usage: {USAGE}\n\nA render farm in a shared folder.\n\nExamples:\n{EXAMPLES}"]
    for title, verbs in GROUPS:
        parts.append(f"{title}:\n" + "".join(f"  {n:<9} {says}\n" for n, says in verbs))
    parts.append(
        "Everywhere:\n"
        "  --spool DIR            the farm's folder (else RENDERD_SPOOL or the config file)\n"
        "  --json                 one JSON object for programs\n"
        "  --color, --no-color    also NO_COLOR\n"
        "  -h, --help; --version  `render VERB --help` tells more\n"
    )
    return "\n".join((*parts, EXITS))
