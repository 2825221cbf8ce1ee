"""Voices to rehearse with: a folder's clips of dry speech, by person."""

from collections.abc import Mapping
from pathlib import Path

from app.rehearsal.voices import VoiceError, has_quiet_floor, read_clip

BUNDLED = Path(__file__).parent / "voices"
"""A dozen voices that nobody trained on; SOURCES.md beside them says whose."""
ENDINGS = {".flac", ".wav", ".ogg", ".opus"}


def people(folder: Path = BUNDLED) -> Mapping[str, tuple[Path, ...]]:
    """Clips by person: each sub-folder is a person, and so is each clip that lies directly in the folder.

    Clips whose background is too loud to tell speech by level are left out: their truth would be wrong. Raises
    VoiceError where none is left.
    """
    if not folder.is_dir():
        raise VoiceError(f"there is no folder {folder}: name one with clips of dry speech")
    found: dict[str, tuple[Path, ...]] = {}
    for path in sorted(folder.iterdir()):
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        clips = tuple(clip for clip in inside if clip.suffix in ENDINGS and has_quiet_floor(read_clip(clip)))
        if clips:
            found[path.stem] = clips
    if not found:
        raise VoiceError(
            f"{folder} has no clip whose speech stands out from its background: give clean clips at 16 kHz"
        )
    return found
