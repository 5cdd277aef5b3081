"""The commit protocol with one defence taken out, as a difference of its source."""

from __future__ import annotations

from types import ModuleType

from kitchen.runtime import disk_failures, manifest, run_directory, store

MUTANTS: dict[str, tuple[ModuleType, str]] = {
    "files of a folder are not forced to the disk": (
        store,
        """
         for path in (Path(parent, name) for name in names):
-            _sync(path)
             relative = path.relative_to(folder).as_posix()
""",
    ),
    "inner folders are not forced to the disk": (
        store,
        """
         for path in (Path(parent, name) for name in folders):
-            _sync(path)
+            pass
""",
    ),
    "the folder's own names are not forced to the disk": (
        store,
        """
     _write(folder / MANIFEST, manifest.to_json())
-    _sync(folder)
     return manifest
""",
    ),
    "a file is not forced to the disk": (
        store,
        """
         _write_all(descriptor, data)
-        system.fsync(descriptor)
     finally:
""",
    ),
    "a file's rename is not forced to the disk": (
        store,
        """
             temporary.unlink(missing_ok=True)
             raise
-        _sync(target.parent)
""",
    ),
    "a folder's rename is not forced to the disk": (
        store,
        """
-        _sync(target.parent)
         if replaced:
""",
    ),
    "the rename comes before the manifest": (
        store,
        """
-            manifest = _seal(temporary)
             replaced = _put_in_place(temporary, target)
+            manifest = _seal(target)
""",
    ),
    "the manifest comes first": (
        store,
        """
-            write(temporary)
             manifest = _seal(temporary)
             replaced = _put_in_place(temporary, target)
+            write(target)
""",
    ),
    "a file is written in place": (
        store,
        """
-        temporary = _beside(target, TEMPORARY)
+        temporary = target
         try:
-            _write(temporary, data)
+            descriptor = system.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
+            _write_all(descriptor, data)
+            system.fsync(descriptor)
+            system.close(descriptor)
             system.rename(temporary, target)
""",
    ),
    "the old folder goes before the new one is in place": (
        store,
        """
-    system.rename(target, replaced)
+    remove_folder(target)
     try:
         system.rename(temporary, target)
     except Exception:
         system.rename(replaced, target)
         raise
-    return replaced
+    return None
""",
    ),
    "the old folder goes before the new name is on the disk": (
        store,
        """
-        _sync(target.parent)
         if replaced:
-            remove_folder(replaced)
+            system.rmtree(replaced)
+        _sync(target.parent)
""",
    ),
    "nothing puts a replaced folder back": (
        store,
        """
-            if path.name.startswith(REPLACED) and not target.exists():
+            if False:
""",
    ),
    "a commit that failed is told as done": (
        disk_failures,
        """
         if number is None:
             raise
+        return
         reason = os.strerror(number).lower()
""",
    ),
    "old checkpoints go before the new one is there": (
        run_directory,
        """
+        for old in self._good():
+            store.remove_folder(old.path)
         store.commit_folder(target, write)
-        for old in self._good()[: -max(keep, KEEP)]:
-            store.remove_folder(old.path)
""",
    ),
    "the newest checkpoint is taken unread": (
        run_directory,
        """
-            faults = store.verify_folder(checkpoint.path, hashes=True)
+            faults = []
""",
    ),
    "hashes are not asked for": (
        run_directory,
        """
-            faults = store.verify_folder(checkpoint.path, hashes=True)
+            faults = store.verify_folder(checkpoint.path, hashes=False)
""",
    ),
    "hashes are not compared": (
        manifest,
        """
-        if hashes and sha256_of(path) != file.sha256:
+        if False:
""",
    ),
    "sizes and hashes are not compared": (
        manifest,
        """
-    return [fault for fault in faults if fault]
+    return []
""",
    ),
}
