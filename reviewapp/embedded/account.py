"""PostgreSQL refuses to run as root: whose rights it runs with then, and what that user must be able to reach."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from reviewapp.embedded.errors import EngineError

ACCOUNT = "reviewapp"


def unprivileged_account(data: Path) -> pwd.struct_passwd | None:
    """None unless we are root; else the data's owner, or a system user made for the purpose."""
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat().st_uid) != 0:
        try:
            return pwd.getpwuid(owner)
        except KeyError:
            pass  # data from another machine or an earlier container
    return _find(ACCOUNT) or _create(ACCOUNT)


def _find(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _create(name: str) -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    said = "there is no useradd"
    if useradd:
        command = [useradd, "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stderr.strip()
    if account := _find(name):  # also if another process made it at the same moment
        return account
    raise EngineError(
        f"PostgreSQL does not run as root, and the user {name!r} to run it as could not be made ({said}). "
        f"Create that user, start the app as an ordinary user, or set DATABASE_URL."
    )


def own_folder(folder: Path, account: pwd.struct_passwd | None) -> None:
    """Make ``folder`` exist, owned by the account and closed to others. Refuses one that somebody else put there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or (os.geteuid() != 0 and found.st_uid != os.geteuid()):
            raise EngineError(
                f"{folder} belongs to another user. Remove it, or start the app as the user that made it."
            )
        if account:
            _hand_over(folder, account)
            _let_through(folder, account)
        folder.chmod(0o700)
    except PermissionError as error:
        raise EngineError(
            f"{error.filename}: {error.strerror}. The app was probably started as another user before."
        ) from error


def open_programs(folder: Path, account: pwd.struct_passwd | None) -> None:
    """Let the account read and run what lies under ``folder`` (an installation made with a strict umask hides it)."""
    if account is None:
        return
    _let_through(folder, account)
    for path in [folder, *folder.rglob("*")]:
        mode = path.stat().st_mode
        wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
        if wanted != mode:
            path.chmod(wanted)


def _hand_over(folder: Path, account: pwd.struct_passwd) -> None:
    if folder.stat().st_uid == account.pw_uid:
        return
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def _let_through(folder: Path, account: pwd.struct_passwd) -> None:
    """Everybody may pass (not list) the folders above. Only where the account could not pass before."""
    for parent in folder.resolve().parents:
        found = parent.stat()
        if found.st_uid == account.pw_uid:
            needed = stat.S_IXUSR
        elif found.st_gid == account.pw_gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not found.st_mode & needed:
            parent.chmod(found.st_mode | needed)
            print(f"{parent} may now be passed through (not listed) by the user {account.pw_name!r}", flush=True)  # noqa: T201
