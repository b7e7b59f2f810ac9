package dev.tenon.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Measures the reference server as {@code ./tenon} starts it: how soon it answers, how fast it lists 50 instances at 2,000 requests
 * per second, and how much heap it holds when idle. Run by {@code ./tenon bench server} in the project's directory.
 *
 * <p>Load is open-loop: requests are due at fixed times and latency counts from when a request was due, so that a stall of the server
 * is not hidden by the generator waiting with it.
 */
public final class ServerBench {
    /** As in {@code ./tenon}. */
    private static final List<String> FLAGS = List.of("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1");

    private static final Path TARGET = Path.of("reference-server", "target");
    private static final String PASSWORD = "correct horse battery";
    private static final int STARTS = 20;
    private static final int INSTANCES = 50;
    private static final int RATE = 2_000;
    private static final int WARM_SECONDS = 10;
    private static final int SECONDS = 20;
    private static final int CONNECTIONS = 24;
    private static final Pattern USED =
            Pattern.compile("(?m)^ *(?:def new generation|tenured generation).* used (\\d+)K");

    private final Path scratch;
    private final String java;
    private final List<String> archive;

    private ServerBench(Path scratch) throws IOException, InterruptedException {
        this.scratch = scratch;
        this.java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        Path file = scratch.resolve("server.jsa");
        List<String> dump = new ArrayList<>(List.of(java, "-XX:ArchiveClassesAtExit=" + file, "-Xlog:disable"));
        dump.addAll(List.of("-cp", runtime(), "dev.tenon.server.Server", "--warm-up"));
        Process process = new ProcessBuilder(dump)
                .redirectOutput(scratch.resolve("warm-up.log").toFile())
                .redirectErrorStream(true)
                .start();
        if (!process.waitFor(3, TimeUnit.MINUTES) || process.exitValue() != 0) {
            throw new IOException("the warm-up failed: " + Files.readString(scratch.resolve("warm-up.log")));
        }
        this.archive = List.of("-XX:SharedArchiveFile=" + file, "-Xlog:disable");
    }

    public static void main(String[] words) throws Exception {
        int starts = words.length > 0 ? Integer.parseInt(words[0]) : STARTS;
        Path scratch = Files.createTempDirectory("tenon-bench-");
        try {
            new ServerBench(scratch).run(starts);
        } finally {
            try (Stream<Path> all = Files.walk(scratch)) {
                for (Path one : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(one);
                }
            }
        }
    }

    private void run(int starts) throws Exception {
        Path directory = scratch.resolve("data");
        Files.writeString(scratch.resolve("password"), PASSWORD);
        double first = start(directory).millis();
        double[] cold = new double[starts];
        double heap = 0;
        for (int i = 0; i < starts; i++) {
            Started started = start(directory);
            cold[i] = started.millis();
            heap = started.heapMib();
        }
        Arrays.sort(cold);
        Load load = load();

        System.out.printf(Locale.ROOT, "%-46s %10s %10s %10s%n", "", "min", "median", "max");
        System.out.printf(
                Locale.ROOT,
                "%-46s %10.0f %10.0f %10.0f%n",
                "cold start to first answer, ms (n=" + starts + ")",
                cold[0],
                median(cold),
                cold[cold.length - 1]);
        System.out.printf(
                Locale.ROOT, "%-46s %10s %10.0f%n", "first start ever, with a new store, ms (n=1)", "", first);
        System.out.printf(
                Locale.ROOT,
                "%-46s %10.2f %10.2f %10.2f%n",
                "list of " + INSTANCES + " at " + RATE + "/s for " + SECONDS + " s, ms",
                load.nanos()[0] / 1e6,
                load.at(0.5),
                load.at(1));
        System.out.printf(Locale.ROOT, "%-46s %10s %10.2f%n", "  99 of 100 within, ms", "", load.at(0.99));
        System.out.printf(Locale.ROOT, "%-46s %10s %10.0f%n", "  answered per second", "", load.perSecond());
        System.out.printf(Locale.ROOT, "%-46s %10s %10d%n", "  bytes per answer", "", load.bytes());
        System.out.printf(Locale.ROOT, "%-46s %10s %10.1f%n", "heap in use when idle, after collection, MiB", "", heap);
        System.out.printf(
                Locale.ROOT,
                "{\"cold_ms\":%.0f,\"first_start_ms\":%.0f,\"p99_ms\":%.2f,\"p50_ms\":%.2f,\"rps\":%.0f,\"idle_heap_mib\":%.1f}%n",
                median(cold),
                first,
                load.at(0.99),
                load.at(0.5),
                load.perSecond(),
                heap);
    }

    private record Started(double millis, double heapMib) {}

    /** From exec of the JVM to the last byte of the first answer, on the port that the server says it has. */
    private Started start(Path directory) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(java));
        command.addAll(archive);
        command.addAll(FLAGS);
        command.addAll(List.of("-cp", runtime(), "dev.tenon.server.Server"));
        command.addAll(List.of("--directory", directory.toString(), "--port", "0"));
        command.addAll(List.of("--software", TARGET.resolve("software").toString()));
        command.addAll(
                List.of("--admin-password-file", scratch.resolve("password").toString()));
        long begun = System.nanoTime();
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try (BufferedReader lines = reader(process)) {
            String line = lines.readLine();
            while (line != null && !line.contains("listening on http://")) {
                line = lines.readLine();
            }
            if (line == null) {
                throw new IOException("the server did not start");
            }
            Matcher port = Pattern.compile("127\\.0\\.0\\.1:(\\d+)/").matcher(line);
            if (!port.find()) {
                throw new IOException("no port in: " + line);
            }
            String answer = get(Integer.parseInt(port.group(1)), "/health", "");
            double millis = (System.nanoTime() - begun) / 1e6;
            if (!answer.startsWith("HTTP/1.1 200") || !answer.endsWith("{\"status\":\"up\"}")) {
                throw new IOException("not healthy: " + answer);
            }
            return new Started(millis, heap(process));
        } finally {
            process.destroy();
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        }
    }

    private double heap(Process process) throws IOException, InterruptedException {
        jcmd(process, "GC.run");
        String info = jcmd(process, "GC.heap_info");
        Matcher used = USED.matcher(info);
        long kib = 0;
        while (used.find()) {
            kib += Long.parseLong(used.group(1));
        }
        if (kib == 0) {
            throw new IOException("no heap in: " + info);
        }
        return kib / 1024.0;
    }

    private String jcmd(Process process, String command) throws IOException, InterruptedException {
        String jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
        Process asked = new ProcessBuilder(jcmd, Long.toString(process.pid()), command)
                .redirectErrorStream(true)
                .start();
        String text = new String(asked.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        asked.waitFor();
        return text;
    }

    private record Load(long[] nanos, double perSecond, int bytes) {
        double at(double part) {
            return nanos[(int) Math.min(nanos.length - 1, Math.ceil(part * nanos.length) - 1)] / 1e6;
        }
    }

    private Load load() throws Exception {
        List<String> command = new ArrayList<>(List.of(java));
        command.addAll(FLAGS);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), SimulatedServer.class.getName()));
        command.addAll(List.of(scratch.resolve("simulated").toString(), Integer.toString(INSTANCES), PASSWORD));
        Process process = new ProcessBuilder(command)
                .redirectError(scratch.resolve("simulated.log").toFile())
                .start();
        try (BufferedReader lines = reader(process)) {
            String line = lines.readLine();
            while (line != null && !line.startsWith("ready ")) {
                line = lines.readLine();
            }
            if (line == null) {
                throw new IOException(
                        "the simulated server did not start: " + Files.readString(scratch.resolve("simulated.log")));
            }
            String[] ready = line.split(" ");
            int port = Integer.parseInt(ready[1]);
            String path = "/v1/tenants/" + ready[2] + "/instances?size=" + INSTANCES;
            fire(port, path, token(port), WARM_SECONDS);
            return fire(port, path, token(port), SECONDS);
        } finally {
            process.getOutputStream().close();
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        }
    }

    /** Sends {@link #RATE} requests per second over {@link #CONNECTIONS} connections, each when it is due. */
    private static Load fire(int port, String path, String token, int seconds) throws InterruptedException {
        int total = RATE * seconds;
        long[] nanos = new long[total];
        AtomicInteger next = new AtomicInteger();
        AtomicInteger bytes = new AtomicInteger();
        byte[] request = request(path, token);
        long begun = System.nanoTime() + 200_000_000L;
        List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < CONNECTIONS; i++) {
            Thread thread = new Thread(
                    () -> {
                        try (Socket socket = new Socket("127.0.0.1", port)) {
                            socket.setTcpNoDelay(true);
                            OutputStream out = socket.getOutputStream();
                            Answer answer = new Answer(socket.getInputStream());
                            for (int n = next.getAndIncrement(); n < total; n = next.getAndIncrement()) {
                                long due = begun + n * (1_000_000_000L / RATE);
                                for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
                                    LockSupport.parkNanos(left);
                                }
                                out.write(request);
                                bytes.set(answer.read());
                                nanos[n] = System.nanoTime() - due;
                            }
                        } catch (IOException e) {
                            failures.add(e);
                        }
                    },
                    "bench-" + i);
            threads.add(thread);
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        double perSecond = total * 1e9 / (System.nanoTime() - begun);
        if (!failures.isEmpty()) {
            throw new IllegalStateException("a connection failed", failures.get(0));
        }
        Arrays.sort(nanos);
        return new Load(nanos, perSecond, bytes.get());
    }

    /** Reads answers with a length off a connection. */
    private static final class Answer {
        private final InputStream in;
        private final byte[] buffer = new byte[1 << 17];

        Answer(InputStream in) {
            this.in = in;
        }

        int read() throws IOException {
            int have = 0;
            int head = -1;
            int length = 0;
            while (head < 0 || have < head + length) {
                int n = in.read(buffer, have, buffer.length - have);
                if (n < 0) {
                    throw new IOException("closed");
                }
                have += n;
                if (head < 0) {
                    head = head(have);
                    if (head >= 0) {
                        length = length(head);
                    }
                }
            }
            return length;
        }

        private int head(int have) {
            for (int i = 3; i < have; i++) {
                if (buffer[i] == '\n' && buffer[i - 1] == '\r' && buffer[i - 2] == '\n' && buffer[i - 3] == '\r') {
                    return i + 1;
                }
            }
            return -1;
        }

        private int length(int head) throws IOException {
            String text = new String(buffer, 0, head, StandardCharsets.US_ASCII);
            Matcher length = Pattern.compile("(?i)content-length: (\\d+)").matcher(text);
            if (!text.startsWith("HTTP/1.1 200") || !length.find()) {
                throw new IOException(text);
            }
            return Integer.parseInt(length.group(1));
        }
    }

    private static String token(int port) throws IOException {
        String body = "{\"user\":\"admin\",\"password\":\"" + PASSWORD + "\"}";
        try (Socket socket = new Socket("127.0.0.1", port)) {
            socket.getOutputStream()
                    .write(
                            ("POST /v1/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
                                            + "Content-Length: " + body.length() + "\r\n\r\n" + body)
                                    .getBytes(StandardCharsets.US_ASCII));
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new ObjectMapper()
                    .readTree(answer.substring(answer.indexOf("\r\n\r\n") + 4))
                    .get("token")
                    .textValue();
        }
    }

    private static String get(int port, String path, String token) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", port)) {
            socket.getOutputStream()
                    .write(new String(request(path, token), StandardCharsets.US_ASCII)
                            .replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static byte[] request(String path, String token) {
        String authorization = token.isEmpty() ? "" : "Authorization: Bearer " + token + "\r\n";
        return ("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + authorization + "\r\n")
                .getBytes(StandardCharsets.US_ASCII);
    }

    private static BufferedReader reader(Process process) {
        return new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    private static String runtime() {
        try (Stream<Path> jars = Files.list(TARGET)) {
            Path own = jars.filter(p -> p.getFileName().toString().matches("tenon-server-[0-9].*(?<!sources)\\.jar"))
                    .findFirst()
                    .orElseThrow(() -> new IllegalStateException("build the server first: ./tenon bench server"));
            return own
                    + System.getProperty("path.separator")
                    + Files.readString(TARGET.resolve("runtime.dependencies")).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static double median(double[] sorted) {
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }
}
