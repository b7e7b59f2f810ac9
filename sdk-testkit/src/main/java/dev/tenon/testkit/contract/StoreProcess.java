package dev.tenon.testkit.contract;

import dev.tenon.spi.store.Commit;
import dev.tenon.spi.store.StateStore;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** Another process that holds or writes a store, until it is killed. */
final class StoreProcess implements AutoCloseable {
    private static final String OPEN = "open";

    private final Process process;
    private final BufferedReader output;

    private StoreProcess(StoreAddress address, String... work) throws IOException {
        process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx128m",
                        "-XX:TieredStopAtLevel=1",
                        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                        "-cp",
                        System.getProperty("java.class.path"),
                        StoreProcess.class.getName())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        output = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        BufferedWriter input =
                new BufferedWriter(new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8));
        List<String> lines = new ArrayList<>(List.of(work));
        lines.add(address.factory().getName());
        lines.addAll(address.arguments());
        for (String line : lines) {
            input.write(line);
            input.newLine();
        }
        input.newLine();
        input.flush();
        String first = output.readLine();
        if (!OPEN.equals(first)) {
            process.destroyForcibly();
            throw new IllegalStateException("the other process did not open the store: " + first);
        }
    }

    static StoreProcess holding(StoreAddress address) throws IOException {
        return new StoreProcess(address, "0", "-");
    }

    static StoreProcess writing(StoreAddress address, int threads, String name) throws IOException {
        return new StoreProcess(address, Integer.toString(threads), name);
    }

    long pid() {
        return process.pid();
    }

    /** Kills the process once it has said of so many commits that they returned; returns the ids of all it said that of. */
    List<String> killAfter(int commits) throws IOException, InterruptedException {
        List<String> said = new ArrayList<>();
        String line;
        while ((line = output.readLine()) != null) {
            // A line cut off by the kill is not something it said.
            if (line.endsWith(".")) {
                said.add(line.substring(0, line.length() - 1));
            }
            if (said.size() == commits) {
                // Not Process.destroyForcibly(), which closes the stream with what it said last.
                process.toHandle().destroyForcibly();
            }
        }
        kill();
        return said;
    }

    void kill() throws InterruptedException {
        process.destroyForcibly();
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
        int threads = Integer.parseInt(input.readLine());
        String name = input.readLine();
        Class<?> factory = Class.forName(input.readLine());
        List<String> arguments = new ArrayList<>();
        for (String line = input.readLine(); line != null && !line.isEmpty(); line = input.readLine()) {
            arguments.add(line);
        }
        @SuppressWarnings("unchecked") // StoreAddress says so
        Function<List<String>, StateStore> maker =
                (Function<List<String>, StateStore>) factory.getConstructor().newInstance();
        PrintStream output = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        StateStore store = maker.apply(arguments);
        store.open();
        output.println(OPEN);
        for (int i = 0; i < threads; i++) {
            String prefix = name + "-" + i + "-";
            new Thread(() -> write(store, prefix, output), prefix).start();
        }
        // Ends with the process that started this one, should that not kill it.
        while (input.read() >= 0) {
            continue;
        }
        Runtime.getRuntime().halt(1);
    }

    private static void write(StateStore store, String prefix, PrintStream output) {
        for (int n = 0; ; n++) {
            String id = prefix + n;
            store.commit(Commit.builder()
                    .addPuts(new Commit.Put("killed", id, "-", "", "A", 0, 0, "{\"n\":" + n + "}"))
                    .addClaims(new Commit.Claim("killed", id, id))
                    .addAdds(new Commit.Add("killed", "documents", 1, Long.MAX_VALUE / 2))
                    .addEvents(new Commit.Event("-", id, "written", "{}"))
                    .build());
            output.println(id + ".");
        }
    }
}
