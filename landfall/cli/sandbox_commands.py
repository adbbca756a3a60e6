"""``landfall sandbox``: AWS on one machine."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Annotated

import typer

from landfall.cli.deploy import ensure_deployed, prepare_tools, program_environment
from landfall.cli.exits import CommandError, Exit
from landfall.cli.fault_commands import app as faults_app
from landfall.cli.fault_commands import show_wire as show_rules
from landfall.cli.sandbox_spec import sandbox_spec
from landfall.cli.stacks import load_stack
from landfall.cli.terminal import out, print_json, say, step, table
from sandbox import launcher
from sandbox.paths import sandboxes_dir

app = typer.Typer(no_args_is_help=True, help="AWS on this machine: no account, no Docker, no internet.")

app.add_typer(faults_app, name="faults")

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
STACK = "sandbox"


@app.command(epilog="Example: landfall sandbox prepare")
def prepare() -> None:
    """Install what the sandbox needs: the emulator's environment and the Pulumi CLI."""
    prepare_tools()


@app.command(epilog="Example: landfall sandbox up --no-deploy")
def up(
    deploy: Annotated[
        bool, typer.Option("--deploy/--no-deploy", help="Deploy the sandbox stack too.")
    ] = True,
    engine: Annotated[
        str | None, typer.Option("--engine", help="pulumi or embedded; whichever can be had by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Start the sandbox and deploy the sandbox stack into it."""
    spec = sandbox_spec(load_stack(STACK))
    if deploy:
        sandbox = ensure_deployed(STACK, spec, engine=engine)
    else:
        with step("sandbox"):
            sandbox = launcher.up(spec, progress=say)
    if as_json:
        print_json(sandbox.status())
    else:
        say(
            f"sandbox {sandbox.name} answers on {sandbox.endpoint}; "
            'a shell for it: eval "$(landfall sandbox env)"'
        )


@app.command(epilog="Example: landfall sandbox status --json")
def status(as_json: Json = False) -> None:
    """What runs, and what of it is real, emulated or only recorded."""
    sandbox = launcher.attach()
    if sandbox is None:
        happened = launcher.trouble()
        if as_json:
            print_json({"running": False, "problems": [happened] if happened else []})
        else:
            reason = f": {happened}" if happened else ""
            out.print(f"The sandbox is not running{reason}; start it with: landfall sandbox up", markup=False)
        raise typer.Exit(Exit.ENVIRONMENT)
    facts = sandbox.status()
    whole = Exit.DONE if facts["running"] else Exit.ENVIRONMENT
    if as_json:
        print_json(facts)
        raise typer.Exit(whole)
    for problem in facts["problems"]:
        say(problem)
    table(
        f"Sandbox {sandbox.name}  {facts['endpoint']}",
        ("process", "pid", "state", "port"),
        [
            (str(p["name"]), str(p["pid"]), "alive" if p["alive"] else "dead", str(p.get("port") or "—"))
            for p in facts["processes"]
        ],
    )
    table(
        "Accounts",
        ("alias", "id"),
        [(str(alias), str(number)) for alias, number in facts["accounts"].items()],
    )
    table(
        "What is what",
        ("kind", "what"),
        [(kind, line) for kind, lines in facts["services"].items() for line in _lines(lines)],
    )
    if facts["faults"]:
        show_rules(facts["faults"])
    raise typer.Exit(whole)


def _lines(entries: Mapping[str, object]) -> list[str]:
    """One line for each way in which something is served, with all that is served so."""
    served: dict[str, list[str]] = {}
    for name, how in entries.items():
        served.setdefault(str(how), []).append(name)
    return [f"{', '.join(names)}: {how}" for how, names in served.items()]


@app.command(epilog='Example: eval "$(landfall sandbox env --account data)"')
def env(
    account: Annotated[str, typer.Option("--account", help="Account that AWS calls go to.")] = "data",
    as_json: Json = False,
) -> None:
    """Shell lines after which aws, boto3 and pulumi -s sandbox work on the sandbox."""
    sandbox = launcher.attach()
    if sandbox is None:
        raise CommandError("the sandbox is not running; start it with: landfall sandbox up", Exit.ENVIRONMENT)
    variables = {**sandbox.environment(account), **program_environment(STACK)}
    if as_json:
        print_json(variables)
        return
    for name, value in sorted(variables.items()):
        out.print(f"export {name}={shlex.quote(value)}", markup=False)


@app.command(epilog="Example: landfall sandbox down --all")
def down(
    every: Annotated[bool, typer.Option("--all", help="Every sandbox of this tree.")] = False,
    discard: Annotated[bool, typer.Option("--discard", help="Remove its data too.")] = False,
) -> None:
    """Stop the sandbox; nothing of it is left running."""
    names = [path.name for path in sorted(sandboxes_dir().glob("*")) if path.is_dir()] if every else [None]
    for name in names:
        happened = launcher.trouble(name)
        outcome = "stopped" if launcher.down(name, discard=discard) else "was not running"
        reason = f" ({happened})" if happened else ""
        say(f"sandbox {name or launcher.default_name()}: {outcome}{reason}")


@app.command(epilog="Example: landfall sandbox reset")
def reset() -> None:
    """Stop the sandbox, remove its data, start and deploy it anew."""
    launcher.down(discard=True)
    ensure_deployed(STACK, sandbox_spec(load_stack(STACK)))
