package dev.tenon.engine.postgresql;

import dev.tenon.spi.delivery.AdminAddress;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.Directory;
import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.InitialiseStep;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.ProcessSpec;
import dev.tenon.spi.workload.Template;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Carries out a workload on this machine, as far as the engine's tests need it: the least a place must do. */
final class TestServer implements AutoCloseable {
    private static final boolean ROOT = "root".equals(System.getProperty("user.name"));
    private static final String UNPRIVILEGED = "nobody";
    private static final Map<String, Path> TEMPLATES = new ConcurrentHashMap<>();

    private final MemberWorkload workload;
    private final Path home;
    private final Path root;
    private final int port;
    private @Nullable Process process;
    final Map<String, Duration> spent = new LinkedHashMap<>();

    private TestServer(MemberWorkload workload, Path home, Path root, int port) {
        this.workload = workload;
        this.home = home;
        this.root = root;
        this.port = port;
    }

    /** Prepares and starts the member; tries other ports when one is taken. */
    static TestServer start(MemberWorkload workload) {
        Path home = TestSoftware.home(workload.software().version());
        for (int attempt = 1; ; attempt++) {
            Path root = TestSoftware.newDirectory("m");
            int port = ThreadLocalRandom.current().nextInt(20_000, 32_000);
            TestServer server = new TestServer(workload, home, root, port);
            try {
                server.prepare();
                server.launch();
                return server;
            } catch (IllegalStateException e) {
                server.close();
                if (attempt == 5 || !String.valueOf(e.getMessage()).contains("Address already in use")) {
                    throw e;
                }
            }
        }
    }

    AdminAddress admin() {
        return new AdminAddress.Unix(directory("run").resolve(".s.PGSQL." + port));
    }

    int port() {
        return port;
    }

    Path directory(String name) {
        return root.resolve(name);
    }

    String log() {
        try {
            return Files.readString(root.resolve("server.log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes the files of a changed workload and lets the server read them. */
    void reload(MemberWorkload changed) {
        writeFiles(changed.files());
        signal("HUP");
    }

    void restart() {
        stop();
        launch();
    }

    private void prepare() {
        long begin = System.nanoTime();
        Path template = TEMPLATES.computeIfAbsent(
                workload.software().version() + workload.ephemeral(), key -> template(workload, home));
        long copy = System.nanoTime();
        for (Directory directory : workload.directories()) {
            if (directory.name().equals("data")) {
                run(List.of("cp", "-a", template.resolve("data").toString(), root.toString()), "", false);
            } else {
                make(root.resolve(directory.name()));
            }
        }
        long files = System.nanoTime();
        writeFiles(workload.files());
        spent.put("template", Duration.ofNanos(copy - begin));
        spent.put("copy", Duration.ofNanos(files - copy));
        spent.put("files", Duration.ofNanos(System.nanoTime() - files));
    }

    private static Path template(MemberWorkload workload, Path home) {
        Path root = TestSoftware.newDirectory("t");
        make(root.resolve("data"));
        TestServer maker = new TestServer(workload, home, root, 0);
        for (InitialiseStep step : workload.initialise()) {
            if (!step.identityFree()) {
                throw new IllegalStateException("only identity-free steps are known here");
            }
            Command command = step.command();
            run(
                    maker.argv(command.argv()),
                    command.stdin().map(secret -> secret.reveal(text -> text)).orElse(""),
                    true);
            if (!Files.exists(root.resolve(step.directory()).resolve(step.creates()))) {
                throw new IllegalStateException("step " + step.name() + " did not create " + step.creates());
            }
        }
        return root;
    }

    private void launch() {
        long begin = System.nanoTime();
        ProcessSpec spec = workload.processes().get(0);
        List<String> argv = unprivileged(argv(spec.argv()));
        try {
            ProcessBuilder builder = new ProcessBuilder(argv)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(
                            root.resolve("server.log").toFile()));
            environment(builder);
            Process started = builder.start();
            process = started;
            Path pid = directory("data").resolve("postmaster.pid");
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (!ready(pid)) {
                if (!started.isAlive() || System.nanoTime() > deadline) {
                    throw new IllegalStateException("the server did not start: " + log());
                }
                Thread.onSpinWait();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        spent.put("start", Duration.ofNanos(System.nanoTime() - begin));
    }

    private static boolean ready(Path pid) throws IOException {
        try {
            return Files.readAllLines(pid).stream().anyMatch(line -> line.startsWith("ready"));
        } catch (java.nio.file.NoSuchFileException e) {
            return false;
        }
    }

    void stop() {
        Process running = process;
        if (running == null) {
            return;
        }
        signal(workload.processes().get(0).stop().signal());
        try {
            if (!running.waitFor(20, TimeUnit.SECONDS)) {
                running.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        process = null;
    }

    private void signal(String name) {
        // The shell has its own kill; as a program it is missing on a bare Debian.
        run(
                List.of(
                        "/bin/sh",
                        "-c",
                        "kill -$1 $2",
                        "signal",
                        name,
                        Long.toString(Objects.requireNonNull(process).pid())),
                "",
                false);
    }

    @Override
    public void close() {
        stop();
        TestSoftware.delete(root);
    }

    private void writeFiles(List<FileSpec> files) {
        try {
            for (FileSpec file : files) {
                Path path = root.resolve(file.directory()).resolve(file.path());
                Files.writeString(path, file.content().render(this::hole));
                Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
                own(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<String> argv(List<Template> templates) {
        List<String> argv = new ArrayList<>(
                templates.stream().map(template -> template.render(this::hole)).toList());
        if (argv.get(0).indexOf('/') < 0) {
            argv.set(0, home.resolve("bin").resolve(argv.get(0)).toString());
        }
        return argv;
    }

    private String hole(Template.Part part) {
        if (part instanceof Template.DirectoryPath directory) {
            return root.resolve(directory.directory()).toString();
        }
        if (part instanceof Template.PortNumber) {
            return Integer.toString(port);
        }
        if (part instanceof Template.ListenAddress) {
            return "127.0.0.1";
        }
        if (part instanceof Template.OperatorUser) {
            return System.getProperty("user.name");
        }
        if (part instanceof Template.RunAsUser) {
            return ROOT ? UNPRIVILEGED : System.getProperty("user.name");
        }
        throw new IllegalStateException("hole not known here: " + part);
    }

    private static void make(Path directory) {
        try {
            Files.createDirectory(directory);
            Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
            own(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void own(Path path) throws IOException {
        if (ROOT) {
            Files.setOwner(
                    path, path.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName(UNPRIVILEGED));
        }
    }

    private static List<String> unprivileged(List<String> argv) {
        if (!ROOT) {
            return argv;
        }
        List<String> all = new ArrayList<>(
                List.of("setpriv", "--reuid", UNPRIVILEGED, "--regid", "nogroup", "--clear-groups", "--"));
        all.addAll(argv);
        return all;
    }

    private static void environment(ProcessBuilder builder) {
        builder.environment().clear();
        builder.environment().put("PATH", "/usr/bin:/bin");
        builder.environment().put("LC_ALL", "C");
    }

    private static String run(List<String> argv, String stdin, boolean unprivileged) {
        try {
            ProcessBuilder builder =
                    new ProcessBuilder(unprivileged ? unprivileged(argv) : argv).redirectErrorStream(true);
            environment(builder);
            Process process = builder.start();
            try (var in = process.getOutputStream()) {
                in.write(stdin.getBytes(StandardCharsets.UTF_8));
            }
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            int code = process.waitFor();
            if (code != 0) {
                throw new IllegalStateException(argv.get(0) + " ended with " + code + ": " + output);
            }
            return output;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Runs a program of the software, as a place does for {@link dev.tenon.spi.engine.SoftwareTool}. */
    static String tool(String version, List<String> argv) {
        List<String> all = new ArrayList<>(argv);
        all.set(
                0,
                TestSoftware.home(version).resolve("bin").resolve(argv.get(0)).toString());
        return run(all, "", true);
    }
}
