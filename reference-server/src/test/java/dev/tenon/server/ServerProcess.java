package dev.tenon.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The server as people run it: the jar in a process of its own, with databases that are real. */
final class ServerProcess implements AutoCloseable {
    static final String PASSWORD = "correct horse battery";
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final Process process;
    private final Path directory;
    private final String url;
    private final HttpClient http = HttpClient.newHttpClient();

    /** What a process said and how it ended. */
    record Ended(int code, String output) {}

    private ServerProcess(Process process, Path directory, String url) {
        this.process = process;
        this.directory = directory;
        this.url = url;
    }

    /** Makes a directory that the databases' own user can pass through, as {@code ./tenon up} does. */
    static Path home(Path parent) throws IOException {
        Files.setPosixFilePermissions(parent, PosixFilePermissions.fromString("rwx--x--x"));
        return Files.createDirectory(parent.resolve("home"));
    }

    /** Starts the server on any free port and waits until it says that it is ready. */
    static ServerProcess start(Path directory, String... more) throws IOException, InterruptedException {
        Path welcome = directory.resolve("welcome");
        Files.deleteIfExists(welcome);
        Path password = directory.resolveSibling("password");
        Files.writeString(password, PASSWORD);
        List<String> words = new ArrayList<>(List.of(
                "--directory", directory.toString(), "--port", "0", "--admin-password-file", password.toString()));
        words.addAll(List.of("--software", "target/software"));
        words.addAll(List.of(more));
        Path log = Files.createTempFile(directory.getParent(), "server", ".log");
        Process process = command(words)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        long begun = System.nanoTime();
        while (Files.notExists(welcome)) {
            assertThat(System.nanoTime() - begun).as("ready in time").isLessThan(PATIENCE.toNanos());
            if (process.waitFor(20, TimeUnit.MILLISECONDS)) {
                throw new AssertionError("the server ended: " + Files.readString(log));
            }
        }
        Matcher portal = Pattern.compile("Portal +(\\S+)").matcher(Files.readString(welcome));
        assertThat(portal.find()).isTrue();
        return new ServerProcess(process, directory, portal.group(1));
    }

    /** Runs it for a task that ends by itself. */
    static Ended run(String... words) throws IOException, InterruptedException {
        Process process = command(List.of(words)).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        return new Ended(process.exitValue(), output);
    }

    private static ProcessBuilder command(List<String> words) throws IOException {
        Path target = Path.of("target");
        Path jar;
        try (Stream<Path> files = Files.list(target)) {
            jar = files.filter(f -> f.getFileName().toString().matches("tenon-server-[^-]+(-SNAPSHOT)?\\.jar"))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("no jar in target/; run the package phase first"));
        }
        List<String> all = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Djava.io.tmpdir=" + System.getProperty("java.io.tmpdir"),
                "-cp",
                jar + ":" + Files.readString(target.resolve("runtime.dependencies")),
                "dev.tenon.server.Server"));
        all.addAll(words);
        return new ProcessBuilder(all);
    }

    String url() {
        return url;
    }

    int port() {
        return URI.create(url).getPort();
    }

    Path directory() {
        return directory;
    }

    boolean alive() {
        return process.isAlive();
    }

    /** Returns the status of a login and, if it was let in, the token. */
    JsonNode logIn(String password) throws IOException, InterruptedException {
        return send("POST", "v1/login", "", "{\"user\":\"admin\",\"password\":\"" + password + "\"}");
    }

    String token() throws IOException, InterruptedException {
        return logIn(PASSWORD).get("token").textValue();
    }

    JsonNode get(String path, String token) throws IOException, InterruptedException {
        return send("GET", path, token, "");
    }

    JsonNode send(String method, String path, String token, String body) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + path))
                .timeout(Duration.ofSeconds(30))
                .header("Authorization", "Bearer " + token)
                .header("Content-Type", "application/json")
                .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                .build();
        HttpResponse<String> answer = http.send(request, BodyHandlers.ofString());
        return JSON.readTree(answer.body());
    }

    /** Asks it to end, as {@code ./tenon down} does, and does not wait. */
    void terminate() {
        process.destroy();
    }

    int awaitEnd() throws InterruptedException {
        assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                .as("ends in time")
                .isTrue();
        return process.exitValue();
    }

    void kill() throws InterruptedException {
        process.destroyForcibly();
        awaitEnd();
    }

    /** Ends the server, and the databases too: a test leaves nothing running. */
    @Override
    public void close() throws IOException, InterruptedException {
        terminate();
        awaitEnd();
        stopDatabases(directory);
    }

    static Ended stopDatabases(Path directory) throws IOException, InterruptedException {
        return run("--directory", directory.toString(), "--stop-databases");
    }
}
