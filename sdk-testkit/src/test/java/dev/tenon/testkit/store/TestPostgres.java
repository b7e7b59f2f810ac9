package dev.tenon.testkit.store;

import dev.tenon.api.Secret;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Properties;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorInputStream;

/** A real PostgreSQL server for tests of the store alone, from the embedded binaries; under an unprivileged user when we are root. */
final class TestPostgres implements AutoCloseable {
    static final String USER = "tenon";

    private static final AtomicInteger SCHEMAS = new AtomicInteger();

    private final Path directory;
    private final Secret password;
    private final Process server;
    private final int port;
    private final Thread killer;

    private TestPostgres(Path directory, Secret password, Process server, int port) {
        this.directory = directory;
        this.password = password;
        this.server = server;
        this.port = port;
        killer = new Thread(this::stop, "test-postgres-killer");
        Runtime.getRuntime().addShutdownHook(killer);
    }

    static TestPostgres start() throws IOException, InterruptedException {
        Path directory = Files.createTempDirectory("tenon-test-postgres");
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path programs = directory.resolve("programs");
        unpack(programs);
        Path data = Files.createDirectory(directory.resolve("data"));
        Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwx------"));
        Secret password = Secret.of("pw-" + Long.toHexString(new Random().nextLong()));
        Path passwordFile = directory.resolve("password");
        password.reveal(text -> write(passwordFile, text));
        if (root()) {
            run(directory, List.of("chown", "-R", "nobody", data.toString(), passwordFile.toString()));
        }
        run(
                directory,
                unprivileged(
                        programs.resolve("bin/initdb").toString(),
                        "--pgdata=" + data,
                        "--username=" + USER,
                        "--pwfile=" + passwordFile,
                        "--auth=scram-sha-256",
                        "--encoding=UTF8",
                        "--locale=C.UTF-8",
                        "--no-sync"));
        Random random = new Random();
        for (int attempt = 0; attempt < 20; attempt++) {
            // The port is taken by the server itself; if another has it, the server says so and the next one is tried.
            int port = 20_000 + random.nextInt(12_000);
            Process server = new ProcessBuilder(unprivileged(
                            programs.resolve("bin/postgres").toString(),
                            "-D",
                            data.toString(),
                            "-c",
                            "listen_addresses=127.0.0.1",
                            "-c",
                            "port=" + port,
                            "-c",
                            "unix_socket_directories=",
                            "-c",
                            "fsync=off",
                            "-c",
                            "max_connections=200",
                            "-c",
                            "shared_buffers=64MB"))
                    .redirectErrorStream(true)
                    .redirectOutput(directory.resolve("server.log").toFile())
                    .start();
            TestPostgres started = new TestPostgres(directory, password, server, port);
            if (started.answers()) {
                return started;
            }
            Runtime.getRuntime().removeShutdownHook(started.killer);
        }
        throw new IOException("no port found:\n" + Files.readString(directory.resolve("server.log")));
    }

    private static String write(Path file, String text) {
        try {
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            Files.writeString(file, text);
            return text;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private boolean answers() throws InterruptedException {
        for (int attempt = 0; attempt < 400; attempt++) {
            try (Connection connection = connect("")) {
                return connection.isValid(5);
            } catch (SQLException notYet) {
                // Waiting for its end is waiting for the answer too: whichever comes first.
                if (server.waitFor(25, TimeUnit.MILLISECONDS)) {
                    return false;
                }
            }
        }
        return false;
    }

    /** Makes an empty schema and returns a URL whose connections use it. */
    String newSchema() {
        String schema = "s" + SCHEMAS.incrementAndGet();
        execute("CREATE SCHEMA " + schema);
        return url() + "?currentSchema=" + schema;
    }

    String url() {
        return "jdbc:postgresql://127.0.0.1:" + port + "/postgres";
    }

    int port() {
        return port;
    }

    Secret password() {
        return password;
    }

    /** Ends all connections but the one that asks. */
    void cutConnections() {
        execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                + " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()");
    }

    void execute(String sql) {
        try (Connection connection = connect("");
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private Connection connect(String parameters) throws SQLException {
        Properties login = new Properties();
        login.setProperty("user", USER);
        password.reveal(text -> login.setProperty("password", text));
        return DriverManager.getConnection(url() + parameters, login);
    }

    private static void unpack(Path to) throws IOException {
        try (InputStream packed = TestPostgres.class.getResourceAsStream("/postgres-linux-x86_64.txz")) {
            if (packed == null) {
                throw new IOException("the embedded PostgreSQL for linux-amd64 is not on the class path");
            }
            TarArchiveInputStream tar =
                    new TarArchiveInputStream(new XZCompressorInputStream(new BufferedInputStream(packed)));
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                Path path = to.resolve(entry.getName()).normalize();
                if (!path.startsWith(to)) {
                    throw new IOException("entry outside of the archive: " + entry.getName());
                }
                if (entry.isDirectory()) {
                    Files.createDirectories(path);
                    continue;
                }
                Files.createDirectories(path.getParent());
                if (entry.isSymbolicLink()) {
                    Files.createSymbolicLink(path, Path.of(entry.getLinkName()));
                } else {
                    Files.copy(tar, path);
                    boolean program = (entry.getMode() & 0100) != 0;
                    Files.setPosixFilePermissions(
                            path, PosixFilePermissions.fromString(program ? "rwxr-xr-x" : "rw-r--r--"));
                }
            }
        }
    }

    private static boolean root() {
        return System.getProperty("user.name").equals("root");
    }

    private static List<String> unprivileged(String... command) {
        List<String> whole = new ArrayList<>();
        if (root()) {
            whole.addAll(List.of(
                    "setpriv",
                    "--reuid=nobody",
                    "--regid=nogroup",
                    "--clear-groups",
                    "--no-new-privs",
                    "--pdeathsig=KILL",
                    "--"));
        }
        whole.addAll(List.of(command));
        return whole;
    }

    private static void run(Path directory, List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(command.get(command.size() - 1) + " failed:\n" + output);
        }
    }

    private void stop() {
        server.destroyForcibly();
    }

    @Override
    public void close() throws IOException, InterruptedException {
        Runtime.getRuntime().removeShutdownHook(killer);
        // Quick, not clean: nobody starts it again. SIGQUIT lets it end its children, which SIGKILL would not.
        // The shell has its own kill; as a program it is missing on a bare Debian.
        new ProcessBuilder("/bin/sh", "-c", "kill -QUIT $1", "signal", Long.toString(server.pid()))
                .start()
                .waitFor();
        if (!server.waitFor(10, TimeUnit.SECONDS)) {
            server.destroyForcibly().waitFor();
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
