package dev.tenon.baremetal;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/**
 * Turns the directory of a destroyed member back into a fresh copy of its template, by writing only what changed. On ext4 making
 * hundreds of files where hundreds were just deleted takes up to fifteen times as long as usual, and a database that lived for
 * a moment changed a dozen of them.
 *
 * <p>What changed is told by the inode's change time, which only the kernel sets: a file whose change time is still the one noted
 * when it was copied holds the template's bytes. Everything else is written again, and what the template does not have goes.
 */
final class Recycler {
    /** Times are only as fine as the kernel's tick: what was copied this shortly before the note may have been touched since. */
    private static final long TICK_NANOS = 20_000_000;

    private final RunAs runAs;
    private final TreeCopier copier;

    Recycler(RunAs runAs, TreeCopier copier) {
        this.runAs = runAs;
        this.copier = copier;
    }

    /** Notes the change times of a copy just made. */
    static void note(TreeManifest manifest, Path root, Path note) throws IOException {
        try (DataOutputStream out =
                new DataOutputStream(new java.io.BufferedOutputStream(Files.newOutputStream(note)))) {
            for (TreeManifest.Entry e : manifest.entries()) {
                if (e.kind() == TreeManifest.Kind.FILE) {
                    out.writeLong(nanos((FileTime)
                            Files.getAttribute(root.resolve(e.path()), "unix:ctime", LinkOption.NOFOLLOW_LINKS)));
                }
            }
        }
    }

    private static long nanos(FileTime time) {
        return time.to(TimeUnit.NANOSECONDS);
    }

    /**
     * Makes a used copy equal to its template again.
     *
     * @return whether it is; if not, it must be thrown away
     */
    boolean reset(TreeManifest manifest, Path template, Path root, Path note) throws IOException {
        long[] noted = read(note, manifest);
        if (noted.length == 0) {
            return false;
        }
        long newest = 0;
        for (long time : noted) {
            newest = Math.max(newest, time);
        }
        Map<String, TreeManifest.Entry> expected = new HashMap<>();
        manifest.entries().forEach(e -> expected.put(e.path(), e));
        long directories = manifest.entries().stream()
                .filter(e -> e.kind() == TreeManifest.Kind.DIRECTORY)
                .count();
        if (removeStrangers(root, "", expected) != directories) {
            return false;
        }
        int file = 0;
        boolean changed = false;
        for (TreeManifest.Entry e : manifest.entries()) {
            if (e.kind() == TreeManifest.Kind.LINK) {
                // No template of today has links; one that does is not worth the care they need.
                return false;
            } else if (e.kind() == TreeManifest.Kind.FILE) {
                long time = noted[file++];
                Path path = root.resolve(e.path());
                Map<String, Object> seen;
                try {
                    seen = Files.readAttributes(path, "unix:ctime,nlink,mode,uid", LinkOption.NOFOLLOW_LINKS);
                } catch (NoSuchFileException x) {
                    // A server that did not end gently has not written again what it removes when it starts.
                    if (!copier.copy(template.resolve(e.path()), path, e)) {
                        return false;
                    }
                    changed = true;
                    continue;
                }
                boolean untouched = nanos((FileTime) Objects.requireNonNull(seen.get("ctime"))) == time
                        && time < newest - TICK_NANOS;
                if (!untouched) {
                    if (!ordinary(seen, e) || !copier.rewrite(template.resolve(e.path()), path, e)) {
                        return false;
                    }
                    changed = true;
                }
            }
        }
        if (changed) {
            note(manifest, root, note);
        }
        return true;
    }

    /** A link, another owner or mode: somebody did more than use it, so that it is not used again. */
    private boolean ordinary(Map<String, Object> seen, TreeManifest.Entry e) {
        int mode = (Integer) Objects.requireNonNull(seen.get("mode"));
        return (mode & 0170000) == 0100000
                && (mode & 07777) == e.mode()
                && (Integer) Objects.requireNonNull(seen.get("nlink")) == 1
                && (Integer) Objects.requireNonNull(seen.get("uid"))
                        == runAs.user().uid();
    }

    private static long[] read(Path note, TreeManifest manifest) throws IOException {
        int files = (int) manifest.entries().stream()
                .filter(e -> e.kind() == TreeManifest.Kind.FILE)
                .count();
        byte[] bytes;
        try (DataInputStream in = new DataInputStream(Files.newInputStream(note))) {
            bytes = in.readAllBytes();
        } catch (NoSuchFileException e) {
            return new long[0];
        }
        if (bytes.length != files * Long.BYTES) {
            return new long[0];
        }
        long[] noted = new long[files];
        ByteBuffer.wrap(bytes).asLongBuffer().get(noted);
        return noted;
    }

    /** Removes what the template does not have; returns how many of its directories are there, or less if something is odd. */
    private static int removeStrangers(Path directory, String prefix, Map<String, TreeManifest.Entry> expected)
            throws IOException {
        int directories = 0;
        try (DirectoryStream<Path> all = Files.newDirectoryStream(directory)) {
            for (Path path : all) {
                String name = prefix + path.getFileName();
                TreeManifest.Entry entry = expected.get(name);
                if (entry == null) {
                    Disk.deleteTree(path);
                } else if (entry.kind() == TreeManifest.Kind.DIRECTORY
                        && Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
                    directories += 1 + removeStrangers(path, name + "/", expected);
                }
            }
        }
        return directories;
    }
}
