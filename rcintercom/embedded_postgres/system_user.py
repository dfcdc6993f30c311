"""PostgreSQL refuses to run as root, so for root the guardian becomes an ordinary system user.

That user owns the server's directory and is let through the directories above it. Does nothing unless asked,
and nothing at all for a process that is not root.
"""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from pathlib import Path

from rcintercom.embedded_postgres.layout import Layout, installed_trees

NAME = "pgserver"
USERADD = ("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent")
READ_BY_ALL = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH


class SystemUserError(Exception):
    """No user was found or made that the server can run as; the message says what to do."""


def become_server_user(layout: Layout) -> None:
    """Give the server's files to its user, let that user reach them, and become it for good."""
    user = _server_user(layout.data_dir)
    for path in _files_to_give(layout):
        # Never what a link points to: the directory may be somebody else's, and this is root.
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    _let_through(layout.data_dir.parent)
    for tree in installed_trees():
        _let_through(tree)
        _make_readable(tree)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def _files_to_give(layout: Layout) -> list[Path]:
    """What root's processes have made here, or was given to root by a chown -R of the whole checkout."""
    found = [layout.data_dir]
    for path in layout.data_dir.iterdir():
        if path.lstat().st_uid == 0:
            found += [path] if path.is_symlink() else [path, *path.rglob("*")]
    return found


def _server_user(data_dir: Path) -> pwd.struct_passwd:
    """The owner of the directory, so that root and that owner can take turns; our own user where it is root's."""
    owner = data_dir.stat().st_uid
    if owner != 0:
        try:
            return pwd.getpwuid(owner)
        except KeyError:
            raise SystemUserError(
                f"{data_dir} belongs to user {owner}, who has no name on this machine, and PostgreSQL needs one. "
                f"Give it to a user of this machine with chown -R."
            ) from None
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        return _make_user()


def _make_user() -> pwd.struct_passwd:
    # Its failure does not matter where another process has made the user meanwhile.
    try:
        made = subprocess.run(  # noqa: S603 - a constant command
            (*USERADD, "--shell", "/usr/sbin/nologin", NAME), capture_output=True, text=True, check=False
        )
        said = made.stderr.strip()
    except FileNotFoundError:
        said = "There is no useradd here."
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        raise SystemUserError(
            f"PostgreSQL does not run as root, and the system user {NAME} could not be made: {said} "
            f"Make that user, or run this as an ordinary user."
        ) from None


def _let_through(directory: Path) -> None:
    """Let everybody pass through (not list) the directory and those above it; /root is often closed."""
    for path in (directory, *directory.parents):
        mode = path.stat().st_mode
        if not mode & stat.S_IXOTH:
            path.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _make_readable(tree: Path) -> None:
    """Undo a strict umask under which the packages were installed: they hold nothing secret."""
    if tree.stat().st_mode & stat.S_IROTH:
        return
    # The directory itself comes last: once it is readable all of it is.
    for path in (*tree.rglob("*"), tree):
        mode = stat.S_IMODE(path.stat().st_mode)
        passable = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH if mode & stat.S_IXUSR else 0
        path.chmod(mode | READ_BY_ALL | passable)
