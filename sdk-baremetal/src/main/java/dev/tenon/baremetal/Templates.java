package dev.tenon.baremetal;

import dev.tenon.api.ErrorCode;
import dev.tenon.spi.delivery.ExecResult;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.InitialiseStep;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Template;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Data directories initialised once per machine for each build and options, and copied for every member. Which steps may be
 * shared is the engine's word: {@link InitialiseStep#identityFree()}.
 */
final class Templates {
    private static final Logger log = LoggerFactory.getLogger(Templates.class);
    private static final AtomicLong COUNTER = new AtomicLong();

    /** After so long without use a template goes, and its copies after it: a new release of the software makes new ones. */
    static final Duration UNUSED = Duration.ofDays(30);
    /** How fine a use is noted. */
    private static final Duration NOTED = Duration.ofDays(1);

    private static final String LOCK = ".lock";

    private final Path root;
    private final Clock clock;
    private final RunAs runAs;
    private final TreeCopier copier;
    private final ExecutorService helpers;
    private final StepRunner steps;
    private final ConcurrentHashMap<String, Prepared> known = new ConcurrentHashMap<>();

    /** Runs one command to its end with its holes filled. */
    @FunctionalInterface
    interface StepRunner {
        ExecResult run(Command command, Rendering rendering);
    }

    /**
     * A template ready to be copied.
     *
     * @param key names build and options
     * @param contents names this very making of it: no copy of an earlier one may be mixed with it
     * @param path where it lies
     * @param parts what each directory of the member gets
     */
    record Prepared(String key, String contents, Path path, Map<String, TreeManifest> parts) {
        /** Names the place of its copies. */
        String shelf() {
            return key + "-" + contents;
        }
    }

    Templates(Path cache, RunAs runAs, TreeCopier copier, ExecutorService helpers, StepRunner steps, Clock clock) {
        this.root = cache.resolve("templates");
        this.clock = clock;
        this.runAs = runAs;
        this.copier = copier;
        this.helpers = helpers;
        this.steps = steps;
    }

    /** Returns the leading steps whose outcome is the same for every member. */
    static List<InitialiseStep> shared(MemberWorkload workload) {
        List<InitialiseStep> shared = new ArrayList<>();
        for (InitialiseStep step : workload.initialise()) {
            if (!step.identityFree() || !step.inputs().isEmpty() || !withoutIdentity(step.command())) {
                break;
            }
            shared.add(step);
        }
        return shared;
    }

    private static boolean withoutIdentity(Command command) {
        return java.util.stream.Stream.concat(command.argv().stream(), command.environment().values().stream())
                .flatMap(t -> t.parts().stream())
                .allMatch(p -> p instanceof Template.Literal
                        || p instanceof Template.DirectoryPath
                        || p instanceof Template.SoftwareHome
                        || p instanceof Template.RunAsUser
                        || p instanceof Template.OperatorUser);
    }

    /** Names what a template holds: the build, the user, and all that the steps say. */
    static String key(String softwareKey, RunAs runAs, List<InitialiseStep> steps) {
        MessageDigest digest = TreeManifest.sha256();
        feed(digest, "2", softwareKey, runAs.user().toString(), runAs.operator().name());
        for (InitialiseStep step : steps) {
            feed(digest, step.name(), step.directory(), step.creates());
            feed(digest, step.command().argv().toString());
            feed(digest, new TreeMap<>(step.command().environment()).toString());
            feed(digest, step.command().successText().orElse(""));
            feed(
                    digest,
                    step.command().stdin().map(s -> s.<String>reveal(t -> t)).orElse(""));
        }
        return HexFormat.of().formatHex(digest.digest(), 0, 10);
    }

    private static void feed(MessageDigest digest, String... words) {
        for (String word : words) {
            digest.update(word.getBytes(StandardCharsets.UTF_8));
            digest.update((byte) 0);
        }
    }

    /** Returns the template, made now if this machine has none. */
    Prepared ensure(String key, List<InitialiseStep> wanted, Path softwareHome) {
        Prepared prepared = known.get(key);
        Path lockFile = root.resolve(key + LOCK);
        Path home = root.resolve(key);
        try {
            if (prepared != null && !unusedFor(lockFile, NOTED)) {
                return prepared;
            }
            Disk.makeDirectories(root, 0711);
            Optional<Prepared> found;
            // Held while the use is noted, so that nobody finds it unused and removes it.
            try (MachineLock lock = MachineLock.take(lockFile)) {
                found = read(key, home);
                if (found.isEmpty()) {
                    make(home, wanted, softwareHome);
                    found = read(key, home);
                }
                Files.setLastModifiedTime(lockFile, FileTime.from(clock.instant()));
            }
            Prepared ready = found.orElseThrow(
                    () -> Failures.of(ErrorCode.SOFTWARE_CORRUPT, "template " + home + " vanished while it was made"));
            known.put(key, ready);
            return ready;
        } catch (IOException e) {
            throw Failures.io("preparing the template " + home, e);
        }
    }

    /** Returns the template whose copies lie at a place of this name, if it is there as it was when they were made. */
    Optional<Prepared> find(String shelf) throws IOException {
        String key = shelf.substring(0, shelf.lastIndexOf('-'));
        Prepared last = known.get(key);
        return (last != null ? Optional.of(last) : read(key, root.resolve(key)))
                .filter(template -> template.shelf().equals(shelf));
    }

    private boolean unusedFor(Path lockFile, Duration time) throws IOException {
        try {
            return Files.getLastModifiedTime(lockFile).toInstant().plus(time).isBefore(clock.instant());
        } catch (NoSuchFileException e) {
            // Somebody has emptied the cache.
            return true;
        }
    }

    /** Returns the names of the places where copies of present templates lie. */
    Set<String> shelves() throws IOException {
        Set<String> names = new HashSet<>();
        try (DirectoryStream<Path> homes = Files.newDirectoryStream(root, Files::isDirectory)) {
            for (Path home : homes) {
                read(home.getFileName().toString(), home).ifPresent(template -> names.add(template.shelf()));
            }
        } catch (NoSuchFileException e) {
            return names;
        }
        return names;
    }

    /** Removes templates that no process of this machine has used for {@link #UNUSED}. */
    void removeUnused() throws IOException {
        try (DirectoryStream<Path> locks = Files.newDirectoryStream(root, "*" + LOCK)) {
            for (Path lockFile : locks) {
                String name = lockFile.getFileName().toString();
                String key = name.substring(0, name.length() - LOCK.length());
                if (Files.exists(root.resolve(key)) && unusedFor(lockFile, UNUSED)) {
                    try (MachineLock lock = MachineLock.take(lockFile)) {
                        if (unusedFor(lockFile, UNUSED)) {
                            log.info("Removes the template {}, unused for {}", root.resolve(key), UNUSED);
                            known.remove(key);
                            Disk.deleteTree(root.resolve(key));
                        }
                    }
                }
            }
        } catch (NoSuchFileException e) {
            return;
        }
    }

    private static Optional<Prepared> read(String key, Path home) throws IOException {
        if (!Files.isDirectory(home)) {
            return Optional.empty();
        }
        Map<String, TreeManifest> parts = new TreeMap<>();
        CRC32C contents = new CRC32C();
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(home, "*.manifest")) {
            all.forEach(files::add);
        }
        Collections.sort(files);
        for (Path file : files) {
            String name = file.getFileName().toString();
            Optional<TreeManifest> manifest = TreeManifest.read(file);
            if (manifest.isEmpty()) {
                return Optional.empty();
            }
            parts.put(name.substring(0, name.length() - ".manifest".length()), manifest.get());
            contents.update(Files.readAllBytes(file));
        }
        return parts.isEmpty()
                ? Optional.empty()
                : Optional.of(new Prepared(key, Long.toHexString(contents.getValue()), home, parts));
    }

    private void make(Path home, List<InitialiseStep> wanted, Path softwareHome) throws IOException {
        Path fresh = root.resolve("new-" + ProcessHandle.current().pid() + "-" + COUNTER.incrementAndGet());
        Disk.makeDirectories(fresh, 0711);
        try {
            Map<String, Path> directories = new HashMap<>();
            for (InitialiseStep step : wanted) {
                Path directory = fresh.resolve(step.directory());
                if (directories.put(step.directory(), directory) == null) {
                    Files.createDirectory(directory, Disk.mode(0700));
                    runAs.own(directory);
                }
            }
            Map<String, String> paths = new HashMap<>();
            directories.forEach((name, path) -> paths.put(name, path.toString()));
            Rendering rendering = new Rendering(paths, Map.of(), softwareHome, "", runAs, Peers.NONE);
            for (InitialiseStep step : wanted) {
                runStep(step, rendering);
            }
            for (Map.Entry<String, Path> part : directories.entrySet()) {
                TreeManifest manifest = TreeManifest.of(part.getValue(), TreeManifest.Hashing.CRC32C);
                Files.writeString(fresh.resolve(part.getKey() + ".manifest"), manifest.text());
            }
            Disk.deleteTree(home);
            Files.move(fresh, home, StandardCopyOption.ATOMIC_MOVE);
            log.info("Prepared the template {}", home);
        } catch (IOException | RuntimeException e) {
            Disk.deleteTree(fresh);
            throw e;
        }
    }

    /** Runs one initialise step and makes sure that it did what it says it does. */
    void runStep(InitialiseStep step, Rendering rendering) {
        requireDone(step, steps.run(step.command(), rendering), "", () -> Files.exists(made(step, rendering)));
    }

    /** Returns what a step makes. */
    static Path made(InitialiseStep step, Rendering rendering) {
        return Path.of(Objects.requireNonNull(rendering.directories().get(step.directory())))
                .resolve(step.creates());
    }

    /**
     * Requires that a step's command did what it says it does.
     *
     * @param where words that say on which host, or none
     * @param made whether what it makes is there
     */
    static void requireDone(InitialiseStep step, ExecResult result, String where, BooleanSupplier made) {
        String words = tail(result.stderr() + "\n" + result.stdout());
        boolean said =
                step.command().successText().map(result.stdout()::contains).orElse(true);
        if (result.exitCode() != 0 || !said) {
            throw Failures.of(
                    Failures.saysDiskFull(words) ? ErrorCode.DISK_FULL : ErrorCode.PROVIDER_FAILED,
                    "step " + step.name() + where + " ended with " + result.exitCode() + ": " + words);
        }
        if (!made.getAsBoolean()) {
            throw Failures.of(
                    ErrorCode.PROVIDER_FAILED,
                    "step " + step.name() + where + " ended well, but did not make " + step.creates() + ": " + words);
        }
    }

    static String tail(String words) {
        String text = words.strip();
        return text.length() <= 2000 ? text : "…" + text.substring(text.length() - 2000);
    }

    /**
     * Copies one part of a template to a place where nothing is yet.
     *
     * @param parallel whether to use a second thread
     * @param between called before every file; a background copy gives way here
     */
    void copy(Prepared template, String part, Path to, boolean parallel, Runnable between) {
        TreeManifest manifest = Objects.requireNonNull(template.parts().get(part));
        Path from = template.path().resolve(part);
        Optional<String> damage;
        try {
            copier.makeDirectories(manifest, to);
            damage =
                    parallel ? inTwo(manifest, from, to, between) : copier.copyFiles(manifest, from, to, 0, 1, between);
        } catch (java.nio.file.NoSuchFileException e) {
            damage = Optional.of(e.getFile() + " is missing");
        } catch (IOException e) {
            throw Failures.io("copying the template " + from + " to " + to, e);
        }
        if (damage.isPresent()) {
            discard(template);
            throw Failures.of(
                    ErrorCode.SOFTWARE_CORRUPT,
                    "the template " + template.path() + " is damaged: " + damage.get()
                            + ". It was put away and will be made anew at the next try.");
        }
    }

    private Optional<String> inTwo(TreeManifest manifest, Path from, Path to, Runnable between) throws IOException {
        Future<Optional<String>> other = helpers.submit(() -> {
            try {
                return copier.copyFiles(manifest, from, to, 1, 2, between);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        Optional<String> mine;
        try {
            mine = copier.copyFiles(manifest, from, to, 0, 2, between);
        } finally {
            // Nothing may still be written below a directory whose copy has failed.
            awaitQuietly(other);
        }
        try {
            Optional<String> theirs = other.get();
            return mine.isPresent() ? mine : theirs;
        } catch (InterruptedException e) {
            throw Failures.interrupted();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UncheckedIOException io) {
                throw io.getCause();
            }
            throw new IOException("copying", e);
        }
    }

    private static void awaitQuietly(Future<?> other) {
        boolean interrupted = false;
        while (!other.isDone()) {
            try {
                other.get();
            } catch (InterruptedException e) {
                interrupted = true;
            } catch (ExecutionException e) {
                break;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Forgets a damaged template, so that the next call makes it anew. */
    void discard(Prepared template) {
        known.remove(template.key());
        try (MachineLock lock = MachineLock.take(root.resolve(template.key() + LOCK))) {
            Disk.deleteTree(template.path());
        } catch (IOException e) {
            throw Failures.io("removing the damaged template " + template.path(), e);
        }
    }
}
