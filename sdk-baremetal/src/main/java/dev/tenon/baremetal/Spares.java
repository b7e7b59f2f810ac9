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
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Copies of templates made beforehand, so that a new member's data is one rename away. They lie on disk, where every process of
 * this machine can make and take them; taking is a rename, which only one can win.
 *
 * <p>Two sorts: <i>synced</i> ones survive a power failure and serve everybody; <i>ready</i> ones serve members whose data may be
 * thrown away, and only until the machine restarts.
 */
final class Spares {
    /** Beside the parts of a copy: which template they came from, and their names. */
    static final String ORIGIN = "origin";

    private static final Logger log = LoggerFactory.getLogger(Spares.class);
    private static final AtomicLong COUNTER = new AtomicLong();

    private final Path root;
    private final int most;
    private final String boot;
    private final Templates templates;
    private final Recycler recycler;
    private final Syncer syncer;

    /** Writes everything that a file system holds back to its disk; answers false where the machine cannot. */
    @FunctionalInterface
    interface Syncer {
        boolean sync(Path somewhereOnIt);
    }

    /** @param most more copies of one template than this are not kept, used ones included */
    Spares(Path root, int most, String bootId, Templates templates, Recycler recycler, Syncer syncer) {
        this.recycler = recycler;
        this.syncer = syncer;
        this.root = root;
        this.most = most;
        this.boot = bootId.substring(0, Math.min(8, bootId.length()));
        this.templates = templates;
    }

    /** How many copies of one template are kept at most. */
    int most() {
        return most;
    }

    /** Puts a copy of the template at {@code into}, which does not exist, in the fastest way there is. */
    void provide(Templates.Prepared template, boolean durable, Path into) throws IOException {
        if (take(list(template, durable), into)) {
            return;
        }
        // A used copy needs a moment to be made fresh, a new one much longer.
        if (takeUsed(template, into)) {
            if (durable) {
                syncAll(template, into, () -> {});
            }
            return;
        }
        copyAll(template, into, durable, true, () -> {});
    }

    /** Makes a used copy fresh at {@code into}; if there is none that can be, nothing is there. */
    private boolean takeUsed(Templates.Prepared template, Path into) throws IOException {
        if (!take(list(template, "used-" + boot + "-*"), into)) {
            return false;
        }
        try {
            if (reset(template, into)) {
                return true;
            }
        } catch (IOException e) {
            // Whatever is odd about it, a copy from the template is as good.
            log.warn("Not used again: {}: {}", into, e.toString());
        }
        Disk.deleteTree(into);
        return false;
    }

    private static boolean take(List<Path> offered, Path into) throws IOException {
        for (Path spare : offered) {
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

    private boolean reset(Templates.Prepared template, Path copy) throws IOException {
        for (Map.Entry<String, TreeManifest> part : template.parts().entrySet()) {
            String name = part.getKey();
            if (!recycler.reset(part.getValue(), template.path().resolve(name), copy.resolve(name), note(copy, name))) {
                return false;
            }
        }
        return true;
    }

    private static Path note(Path copy, String part) {
        return copy.resolve(part + ".times");
    }

    /**
     * Takes back a copy that a member has used; answers false if it is not wanted.
     *
     * @param copy holds the parts and what {@link #provide} left beside them
     */
    boolean giveBack(String shelfName, Path copy) throws IOException {
        Path shelf = root.resolve(shelfName);
        Disk.makeDirectories(shelf, 0711);
        if (in(shelf).size() >= most) {
            return false;
        }
        Files.move(copy, shelf.resolve("used-" + newName()), StandardCopyOption.ATOMIC_MOVE);
        return true;
    }

    private String newName() {
        return boot + "-" + ProcessHandle.current().pid() + "-" + COUNTER.incrementAndGet();
    }

    int count(Templates.Prepared template, boolean durable) throws IOException {
        return list(template, durable).size();
    }

    private List<Path> list(Templates.Prepared template, boolean durable) throws IOException {
        return list(template, durable ? "synced-*" : "ready-" + boot + "-*");
    }

    private List<Path> list(Templates.Prepared template, String pattern) throws IOException {
        return in(root.resolve(template.shelf()), pattern);
    }

    /** Makes one more spare copy, giving way to others before every file. */
    void make(Templates.Prepared template, boolean durable, Runnable giveWay) throws IOException {
        Path shelf = root.resolve(template.shelf());
        Disk.makeDirectories(shelf, 0711);
        String name = newName();
        Path fresh = shelf.resolve("making-" + name);
        Disk.deleteTree(fresh);
        try {
            if (!takeUsed(template, fresh)) {
                copyAll(template, fresh, durable, false, giveWay);
            } else if (durable) {
                syncAll(template, fresh, giveWay);
            }
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
        for (Map.Entry<String, TreeManifest> part : template.parts().entrySet()) {
            Path to = into.resolve(part.getKey());
            templates.copy(template, part.getKey(), to, parallel, giveWay);
            Recycler.note(part.getValue(), to, note(into, part.getKey()));
        }
        Files.writeString(
                into.resolve(ORIGIN),
                template.shelf() + "\n" + String.join("\n", template.parts().keySet()));
        if (durable) {
            syncAll(template, into, giveWay);
        }
    }

    /**
     * Makes a copy survive a power failure. One call for the whole file system takes one journal commit, where a call per file
     * takes hundreds; without the program that makes it, each file has its own.
     */
    private void syncAll(Templates.Prepared template, Path copy, Runnable giveWay) throws IOException {
        if (syncer.sync(copy)) {
            return;
        }
        for (Map.Entry<String, TreeManifest> part : template.parts().entrySet()) {
            sync(part.getValue(), copy.resolve(part.getKey()), giveWay);
        }
        Disk.syncDirectory(copy);
    }

    private static void sync(TreeManifest manifest, Path root, Runnable giveWay) throws IOException {
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

    /**
     * Removes what nobody can use: copies of templates that are no more, copies that were never finished, and unsynced ones from before
     * the machine restarted.
     */
    void sweep() throws IOException {
        List<Path> shelves = in(root);
        // Asked for after the list: a template is there before its copies are.
        Set<String> current = templates.shelves();
        for (Path shelf : shelves) {
            if (!current.contains(shelf.getFileName().toString())) {
                Disk.deleteTree(shelf);
            }
            for (Path spare : in(shelf)) {
                if (useless(spare.getFileName().toString())) {
                    Disk.deleteTree(spare);
                }
            }
        }
    }

    private static List<Path> in(Path directory) throws IOException {
        return in(directory, "*");
    }

    private static List<Path> in(Path directory, String pattern) throws IOException {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(directory, pattern)) {
            all.forEach(found::add);
        } catch (NoSuchFileException e) {
            return found;
        }
        return found;
    }

    private boolean useless(String name) {
        String[] f = name.split("-");
        if (f.length != 4 || !f[2].matches("\\d{1,18}")) {
            return false;
        }
        boolean otherBoot = !f[1].equals(boot);
        return (f[0].equals("ready") || f[0].equals("used")) && otherBoot
                || f[0].equals("making")
                        && (otherBoot || ProcessHandle.of(Long.parseLong(f[2])).isEmpty());
    }
}
