package dev.tenon.bench;

import dev.tenon.api.EngineId;
import dev.tenon.api.Instance;
import dev.tenon.api.Tenant;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * The least that any tool on this machine has to do: copy the same template, exec the same {@code postgres} as the same user with the
 * smallest settings, connect, {@code SELECT 1}. No control plane, no accounts, no port assignment, nothing prepared beforehand.
 */
final class Floor implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int FIRST_PORT = 31_000;

    private final Path work;
    private final Path template;
    private final Path access;
    private final String program;
    private final String owner;
    private int runs;

    private Floor(Path work, Path template, Path access, String program, String owner) {
        this.work = work;
        this.template = template;
        this.access = access;
        this.program = program;
        this.owner = owner;
    }

    /** Takes the template from an ephemeral instance of Tenon's, so that both copy the same files. */
    static Floor prepare(Tenant tenant, Path work) throws IOException, InterruptedException {
        Files.createDirectories(
                work, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        Instance source = tenant.instances()
                .create(i -> i.name("floor")
                        .engine(EngineId.POSTGRESQL, "17")
                        .plan("micro")
                        .ephemeral(true))
                .await(PATIENCE);
        ProcessHandle server = ProcessHandle.current()
                .descendants()
                .filter(p -> p.info().command().orElse("").endsWith("/postgres"))
                .filter(p ->
                        p.info().commandLine().orElse("").contains(source.id().value()))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("the ephemeral server is not a child of this process"));
        List<String> arguments = List.of(server.info().arguments().orElseThrow());
        Path data = Path.of(arguments.get(arguments.indexOf("-D") + 1));
        String program = server.info().command().orElseThrow();
        String owner = Files.getOwner(data).getName();
        source.stop().await(PATIENCE);
        Path template = work.resolve("template");
        run("cp", "-a", data.toString(), template.toString());
        source.delete().await(PATIENCE);
        Path access = Files.writeString(work.resolve("pg_hba.conf"), "host all all 127.0.0.1/32 trust\n");
        return new Floor(work, template, access, program, owner);
    }

    /** Returns milliseconds from the first copied file to the answer. */
    double measure() throws IOException, InterruptedException {
        int port = FIRST_PORT + runs % 1_000;
        Path data = work.resolve("run-" + runs++);
        long start = System.nanoTime();
        run("cp", "-a", "--reflink=auto", template.toString(), data.toString());
        Process server = exec(data, port);
        try {
            connect(server, port);
            return DeliveryBench.millisSince(start);
        } finally {
            // SIGTERM would wait for clients; what is measured is over.
            server.destroyForcibly();
            server.waitFor(10, TimeUnit.SECONDS);
        }
    }

    private Process exec(Path data, int port) throws IOException {
        List<String> command = new ArrayList<>();
        if ("root".equals(System.getProperty("user.name"))) {
            command.addAll(List.of("setpriv", "--reuid", owner, "--clear-groups", "--"));
        }
        command.addAll(
                List.of(program, "-D", data.toString(), "-k", "", "-h", "127.0.0.1", "-p", Integer.toString(port)));
        for (String setting : List.of(
                "hba_file=" + access,
                "fsync=off",
                "synchronous_commit=off",
                "full_page_writes=off",
                "shared_buffers=1MB",
                "max_connections=10",
                "autovacuum=off",
                "max_wal_senders=0",
                "wal_level=minimal",
                "max_worker_processes=0",
                "max_logical_replication_workers=0",
                "jit=off",
                "huge_pages=off")) {
            command.add("-c");
            command.add(setting);
        }
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(work.resolve("server.log").toFile())
                .start();
    }

    private void connect(Process server, int port) throws IOException {
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setServerNames(new String[] {"127.0.0.1"});
        source.setPortNumbers(new int[] {port});
        source.setDatabaseName("app");
        source.setUser("tenon_platform");
        source.setSslMode("disable");
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            try {
                DeliveryBench.selectOne(source);
                return;
            } catch (SQLException e) {
                if (!server.isAlive() || System.nanoTime() > deadline) {
                    throw new IllegalStateException(
                            "the bare server does not answer: " + Files.readString(work.resolve("server.log")), e);
                }
                LockSupport.parkNanos(500_000);
            }
        }
    }

    private static void run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).inheritIO().start();
        if (!process.waitFor(1, TimeUnit.MINUTES) || process.exitValue() != 0) {
            throw new IllegalStateException(String.join(" ", command) + " failed");
        }
    }

    @Override
    public void close() throws IOException {
        DeliveryBench.deleteTree(work);
    }
}
