package dev.tenon.baremetal;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Copies of templates made beforehand, so that a new member's data is one rename away. They lie on disk, where every process of
 * this machine can make and take them; taking is a rename, which only one can win.
 *
 * <p>Two sorts: <i>synced</i> ones survive a power failure and serve everybody; <i>ready</i> ones serve members whose data may be
 * thrown away, and only until the machine restarts.
 */
final class Spares {
    private static final AtomicLong COUNTER = new AtomicLong();

    private final Path root;
    private final String boot;
    private final Templates templates;
    private final Syncer syncer;

    /** Writes everything that a file system holds back to its disk; answers false where the machine cannot. */
    @FunctionalInterface
    interface Syncer {
        boolean sync(Path somewhereOnIt);
    }

    Spares(Path root, String bootId, Templates templates, Syncer syncer) {
        this.syncer = syncer;
        this.root = root;
        this.boot = bootId.substring(0, Math.min(8, bootId.length()));
        this.templates = templates;
    }

    /** Moves a spare copy to {@code into}, which does not exist; returns whether there was one. */
    boolean take(Templates.Prepared template, boolean durable, Path into) throws IOException {
        for (Path spare : list(template, durable)) {
            try {
                Files.move(spare, into, StandardCopyOption.ATOMIC_MOVE);
                return true;
            } catch (NoSuchFileException e) {
                // Another thread or process was faster; the next one may be ours.
                continue;
            }
        }
        return false;
    }

    int count(Templates.Prepared template, boolean durable) throws IOException {
        return list(template, durable).size();
    }

    private List<Path> list(Templates.Prepared template, boolean durable) throws IOException {
        List<Path> found = new ArrayList<>();
        Path shelf = root.resolve(template.key());
        try (DirectoryStream<Path> all =
                Files.newDirectoryStream(shelf, durable ? "synced-*" : "ready-" + boot + "-*")) {
            all.forEach(found::add);
        } catch (NoSuchFileException e) {
            return found;
        }
        return found;
    }

    /** Makes one more spare copy, giving way to others before every file. */
    void make(Templates.Prepared template, boolean durable, Runnable giveWay) throws IOException {
        Path shelf = root.resolve(template.key());
        Disk.makeDirectories(shelf, 0711);
        String name = boot + "-" + ProcessHandle.current().pid() + "-" + COUNTER.incrementAndGet();
        Path fresh = shelf.resolve("making-" + name);
        Disk.deleteTree(fresh);
        try {
            copyAll(template, fresh, durable, false, giveWay);
            Files.move(fresh, shelf.resolve((durable ? "synced-" : "ready-") + name), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException | RuntimeException e) {
            Disk.deleteTree(fresh);
            throw e;
        }
    }

    /** Copies all parts of a template below {@code into}, which does not exist. */
    void copyAll(Templates.Prepared template, Path into, boolean durable, boolean parallel, Runnable giveWay)
            throws IOException {
        Disk.makeDirectories(into, 0711);
        for (String part : template.parts().keySet()) {
            templates.copy(template, part, into.resolve(part), parallel, giveWay);
            if (durable) {
                sync(template.parts().get(part), into.resolve(part), giveWay);
            }
        }
        if (durable) {
            Disk.syncDirectory(into);
        }
    }

    /**
     * Makes a copy survive a power failure. One call for the whole file system takes one journal commit, where a call per file
     * takes hundreds; without the program that makes it, each file has its own.
     */
    private void sync(@org.jspecify.annotations.Nullable TreeManifest manifest, Path root, Runnable giveWay)
            throws IOException {
        if (manifest == null || syncer.sync(root)) {
            return;
        }
        for (TreeManifest.Entry e : manifest.entries()) {
            giveWay.run();
            switch (e.kind()) {
                case FILE -> {
                    try (FileChannel file = FileChannel.open(root.resolve(e.path()), StandardOpenOption.WRITE)) {
                        file.force(true);
                    }
                }
                case DIRECTORY -> Disk.syncDirectory(root.resolve(e.path()));
                case LINK -> {}
            }
        }
        Disk.syncDirectory(root);
    }

    /** Removes what nobody can use: copies that were never finished, and unsynced ones from before the machine restarted. */
    void sweep() throws IOException {
        try (DirectoryStream<Path> shelves = Files.newDirectoryStream(root)) {
            for (Path shelf : shelves) {
                try (DirectoryStream<Path> all = Files.newDirectoryStream(shelf)) {
                    for (Path spare : all) {
                        if (useless(spare.getFileName().toString())) {
                            Disk.deleteTree(spare);
                        }
                    }
                }
            }
        } catch (NoSuchFileException e) {
            return;
        }
    }

    private boolean useless(String name) {
        String[] f = name.split("-");
        if (f.length != 4 || !f[2].matches("\\d{1,18}")) {
            return false;
        }
        boolean otherBoot = !f[1].equals(boot);
        return f[0].equals("ready") && otherBoot
                || f[0].equals("making")
                        && (otherBoot || ProcessHandle.of(Long.parseLong(f[2])).isEmpty());
    }
}
