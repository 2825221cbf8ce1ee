"""The command line: its verbs, and every error as one sentence."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from app.verbs.demo import demo
from app.verbs.hub import hub
from app.verbs.listen import listen
from app.verbs.replay import replay
from app.verbs.seats import seats
from app.verbs.send import send
from app.verbs.settings import show_settings
from app.verbs.validate import validate

OURS = {"app", "firmware", "models"}
"""Where exceptions come from whose message is a sentence for whoever typed the command."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--settings", "file", type=click.Path(path_type=Path), help="Settings file instead of /etc/fermata.toml.")
@click.version_option(package_name="fermata", message="fermata %(version)s")
@click.pass_context
def cli(context: click.Context, file: Path | None) -> None:
    """A room that knows who is speaking from where, and keeps nothing.

    \b
    Try it:   fermata demo
    Look in:  fermata replay recording.wav --array xvf3800 --seats therapist=30,client=150
    """
    context.obj = file


for verb in (demo, replay, listen, seats, send, hub, validate, show_settings):
    cli.add_command(verb)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a verb; exit 2 for usage, 1 for any other error, one sentence on stderr."""
    try:
        cli.main(arguments, prog_name="fermata", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as asked:
        click.echo(asked.format_message(), err=True)
        sys.exit(2)
    except click.UsageError as error:
        end(error.format_message(), 2)
    except click.Abort:
        sys.exit(130)
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except click.ClickException as error:
        end(error.format_message(), 1)
    except OSError as error:
        end(f"{error.filename or 'a file'} cannot be used: {(error.strerror or str(error)).lower()}", 1)
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in OURS:
            raise
        end(str(error), 1)


def end(sentence: str, code: int) -> None:
    """Say why, and leave."""
    click.echo(f"fermata: {sentence}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
