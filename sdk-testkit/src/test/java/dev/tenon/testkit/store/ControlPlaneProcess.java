package dev.tenon.testkit.store;

import dev.tenon.api.EngineId;
import dev.tenon.api.Instance;
import dev.tenon.api.OperationView;
import dev.tenon.api.PageRequest;
import dev.tenon.api.Secret;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.baremetal.LocalDelivery;
import dev.tenon.core.store.PostgresStore;
import dev.tenon.testkit.fault.Call;
import dev.tenon.testkit.fault.Intercepted;
import dev.tenon.testkit.fault.Interceptor;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * A control plane in a JVM of its own, on a shared store and a place that other control planes use, too. It obeys lines of its standard
 * input and writes each effect outside to a journal that all of them share.
 */
final class ControlPlaneProcess implements AutoCloseable {
    static final Duration LEASE = Duration.ofSeconds(4);
    static final String KILLED = "killed";

    private static final String TENANT = "shop";

    private final Process process;
    private final BufferedReader output;
    private final BufferedWriter input;

    private ControlPlaneProcess(Process process) {
        this.process = process;
        output = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        input = new BufferedWriter(new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8));
    }

    static ControlPlaneProcess start(String name, Path directory, Path journal, String url, Secret password)
            throws IOException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx256m",
                        "-XX:TieredStopAtLevel=1",
                        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                        "-cp",
                        System.getProperty("java.class.path"),
                        ControlPlaneProcess.class.getName())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        ControlPlaneProcess started = new ControlPlaneProcess(process);
        for (String line :
                List.of(name, directory.toString(), journal.toString(), url, password.reveal(Function.identity()))) {
            started.input.write(line);
            started.input.newLine();
        }
        started.input.flush();
        started.expect("ready");
        return started;
    }

    /** Has a command obeyed; returns what it answered. */
    String ask(String command) throws IOException {
        input.write(command);
        input.newLine();
        input.flush();
        return answer();
    }

    private void expect(String wanted) throws IOException {
        String seen = answer();
        if (!seen.equals(wanted)) {
            throw new IOException("expected " + wanted + ", the control plane said " + seen);
        }
    }

    private String answer() throws IOException {
        String line = output.readLine();
        if (line == null) {
            throw new IOException("the control plane's process has ended");
        }
        return line;
    }

    /** Kills it as {@code kill -9} does. */
    void kill() throws InterruptedException {
        process.toHandle().destroyForcibly();
        if (!process.waitFor(30, TimeUnit.SECONDS)) {
            throw new IllegalStateException("process " + process.pid() + " does not die");
        }
    }

    @Override
    public void close() throws InterruptedException {
        kill();
    }

    public static void main(String[] none) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream output = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        String name = input.readLine();
        Path directory = Path.of(input.readLine());
        Path journal = Path.of(input.readLine());
        PostgresStore store = PostgresStore.connect(input.readLine(), TestPostgres.USER, Secret.of(input.readLine()));
        try (Tenon tenon = Tenon.builder()
                .directory(directory)
                .store(store)
                .delivery(Intercepted.delivery(LocalDelivery.builder().spares(0).build(), new Journal(name, journal)))
                .lease(LEASE)
                .resync(Duration.ofSeconds(1))
                .workers(2)
                .build()) {
            output.println("ready");
            for (String line = input.readLine(); line != null; line = input.readLine()) {
                String[] words = line.split(" ");
                output.println(
                        switch (words[0]) {
                            case "tenant" ->
                                tenon.tenants().create(t -> t.name(TENANT)).id().value();
                            case "create" ->
                                tenon.tenant(TENANT)
                                        .instances()
                                        .create(i -> i.name(words[1])
                                                .engine(EngineId.POSTGRESQL, "17")
                                                .plan("micro"))
                                        .id()
                                        .value();
                            case "query" -> query(tenon.tenant(TENANT), words[1]);
                            case "operations" -> operations(tenon);
                            default -> "what?";
                        });
            }
        }
    }

    private static String query(Tenant tenant, String name) throws Exception {
        Instance instance = tenant.instances().find(name).orElseThrow();
        try (Connection connection = instance.dataSource().getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT 42")) {
            row.next();
            return Integer.toString(row.getInt(1));
        }
    }

    /** Returns, for each operation, its state and how often its steps were begun. */
    private static String operations(Tenon tenon) {
        List<String> all = new ArrayList<>();
        for (OperationView view : tenon.operations()
                .list(Optional.empty(), PageRequest.first(100))
                .items()) {
            int most = view.steps().stream()
                    .mapToInt(OperationView.Step::attempts)
                    .max()
                    .orElse(0);
            all.add(view.id().value() + "," + view.state() + "," + most);
        }
        return String.join(" ", all);
    }

    /** Appends a line before and after each effect; a line of this length is appended whole or not at all. */
    private record Journal(String name, Path file) implements Interceptor {
        @Override
        public void before(Call call) {
            if (call.changes()) {
                append("begin", call);
            }
        }

        @Override
        public void after(Call call) {
            if (call.changes()) {
                append("end", call);
            }
        }

        private void append(String moment, Call call) {
            try {
                Files.writeString(
                        file,
                        String.join(" ", name, moment, call.verb(), call.subject()) + "\n",
                        StandardOpenOption.CREATE,
                        StandardOpenOption.APPEND);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
