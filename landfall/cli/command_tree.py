"""The commands as shell completion needs them: names, options and arguments, without importing a command.

Importing every command takes a second; a shell that completes must answer at once. So the outline of all
commands, and of the config's keys, is kept in `.tools/completion.json`, with a fingerprint of the files that
it was made from: after a change of the code it is made anew at the next completion.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCES: Final = ("landfall/cli", "landfall/config", "landfall/catalog", "policy_packs/guardrails")

type Completer = Callable[..., Any]
type Choose = Callable[[tuple[str, ...], str], Completer | None]
"""The completer for a parameter, by the words of its command and its name."""


def fingerprint(root: Path = ROOT) -> str:
    """Changes when a file changes that the outline is made from; looks at names, sizes and times only."""
    digest = hashlib.sha256()
    for folder in SOURCES:
        for path in sorted((root / folder).rglob("*.py")):
            with suppress(OSError):
                state = path.stat()
                digest.update(f"{path.name}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def outline(file: Path, real: Any) -> Mapping[str, Any]:
    """The outline, from `file` where that is up to date, else made anew and kept there."""
    wanted = fingerprint()
    try:
        kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if kept["fingerprint"] == wanted:
            return kept
    except (OSError, ValueError, KeyError, TypeError):
        pass
    made = {"fingerprint": wanted, **make(real)}
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f".{file.name}.{hashlib.sha256(str(id(made)).encode()).hexdigest()[:8]}")
        partial.write_text(json.dumps(made), encoding="utf-8")
        partial.replace(file)
    return made


def make(real: Any) -> dict[str, Any]:
    """The outline, made from the commands, the models and the guardrails themselves."""
    from landfall.catalog.kinds import KINDS
    from landfall.config.explain import every_key
    from policy_packs.guardrails.evaluate import describe

    return {
        "commands": _outline_of(real),
        "keys": list(every_key()),
        "kinds": [[kind.name, kind.summary] for kind in KINDS],
        "rules": [str(rule["name"]) for rule in describe()],
    }


def bare(real: Any) -> dict[str, Any]:
    """The outline of the names of commands alone, which are known without importing one."""
    below = [
        {"name": name, "help": "", "hidden": False, "params": [], "commands": None} for name in real.commands
    ]
    return {"name": real.name, "help": "", "hidden": False, "params": [], "commands": below}


def _outline_of(command: Any) -> dict[str, Any]:
    below = getattr(command, "commands", None)
    return {
        "name": command.name,
        "help": (command.help or "").strip().partition("\n")[0],
        "hidden": bool(command.hidden),
        "params": [
            {
                "name": param.name,
                "argument": param.param_type_name == "argument",
                "opts": list(param.opts),
                "secondary": list(param.secondary_opts),
                "flag": bool(getattr(param, "is_flag", False)),
                "many": bool(getattr(param, "multiple", False)) or param.nargs == -1,
                "choices": _choices(param),
                "help": (getattr(param, "help", None) or "").strip().partition("\n")[0],
            }
            for param in command.params
            if param.name not in ("install_completion", "show_completion", "help")
        ],
        "commands": [_outline_of(inner) for inner in below.values()] if below is not None else None,
    }


def _choices(param: Any) -> list[str]:
    """The values of a closed list: of an enumeration, or as the help shows them, `text|json`."""
    kind = param.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [str(member.value) for member in kind]
    shown = str(getattr(param, "metavar", None) or "")
    return shown.split("|") if "|" in shown else []


def _among(choices: Sequence[str]) -> Completer:
    def chosen(incomplete: str) -> list[str]:
        return [choice for choice in choices if choice.startswith(incomplete)]

    return chosen


def rebuilt(commands: Mapping[str, Any], choose: Choose) -> Any:
    """Commands for completion alone, from their outline: they have the same parameters and do nothing."""
    app = _group(commands, (), choose)
    app._add_completion = True
    return typer.main.get_command(app)


def _group(command: Mapping[str, Any], words: tuple[str, ...], choose: Choose) -> typer.Typer:
    app = typer.Typer(add_completion=False, help=command["help"])
    app.callback()(_function(command, words, choose))
    for inner in command["commands"]:
        path = (*words, str(inner["name"]))
        if inner["commands"] is not None:
            app.add_typer(_group(inner, path, choose), name=inner["name"], hidden=inner["hidden"])
        else:
            app.command(inner["name"], help=inner["help"], hidden=inner["hidden"])(
                _function(inner, path, choose)
            )
    return app


def _function(command: Mapping[str, Any], words: tuple[str, ...], choose: Choose) -> Callable[..., None]:
    """A function with the command's parameters, as Typer reads them."""

    def nothing(**values: Any) -> None:
        """Commands of the outline are never run."""

    parameters = list(_parameters(command, words, choose))
    nothing.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    nothing.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return nothing


def _parameters(
    command: Mapping[str, Any], words: tuple[str, ...], choose: Choose
) -> Iterator[inspect.Parameter]:
    for param in command["params"]:
        completer = choose(words, param["name"])
        if completer is None and param["choices"]:
            completer = _among(param["choices"])
        told: dict[str, Any] = {"help": param["help"]}
        if completer is not None:
            told["autocompletion"] = completer
        if param["argument"]:
            info: Any = typer.Argument(**told)
        else:
            spellings = list(param["opts"])
            if param["secondary"]:
                spellings = [f"{param['opts'][0]}/{param['secondary'][0]}", *param["opts"][1:]]
            info = typer.Option(*spellings, **told)
        value: Any = bool if param["flag"] else list[str] if param["many"] else str
        yield inspect.Parameter(
            param["name"],
            inspect.Parameter.KEYWORD_ONLY,
            default=False if param["flag"] else None,
            annotation=Annotated[value, info] if param["flag"] else Annotated[value | None, info],
        )
