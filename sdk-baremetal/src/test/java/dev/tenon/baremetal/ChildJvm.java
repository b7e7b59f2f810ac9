package dev.tenon.baremetal;

import dev.tenon.spi.delivery.DeliveryContext;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Another JVM that runs members until it is killed or its input ends. */
final class ChildJvm implements AutoCloseable {
    private final Process process;
    private final BufferedReader output;

    private ChildJvm(Process process) {
        this.process = process;
        this.output = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /** Starts one with a member of this kind: {@code sleeper} or {@code postgres}. */
    static ChildJvm start(Path cache, Path directory, MemberRef ref, String kind, boolean ephemeral)
            throws IOException {
        return start(cache, directory, ref, kind, ephemeral, System.getProperty("java.class.path"));
    }

    static ChildJvm start(
            Path cache,
            Path directory,
            MemberRef ref,
            String kind,
            boolean ephemeral,
            String classPath,
            String... prefix)
            throws IOException {
        List<String> words = new ArrayList<>(List.of(prefix));
        words.addAll(List.of(
                ProcessHandle.current().info().command().orElse("java"),
                "-cp",
                classPath,
                ChildJvm.class.getName(),
                cache.toString(),
                directory.toString(),
                ref.tenant().value(),
                ref.instance().value(),
                ref.member(),
                kind,
                Boolean.toString(ephemeral)));
        return new ChildJvm(new ProcessBuilder(words).redirectErrorStream(true).start());
    }

    /** Waits until it says that its member is ready and returns what it said of it. */
    String awaitReady() throws IOException {
        List<String> said = new ArrayList<>();
        for (String line = output.readLine(); line != null; line = output.readLine()) {
            if (line.startsWith("READY ")) {
                return line.substring("READY ".length());
            }
            said.add(line);
        }
        throw new AssertionError("the other JVM ended: " + String.join("\n", said));
    }

    /** Kills it the hard way. */
    void kill() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor();
    }

    @Override
    public void close() throws IOException, InterruptedException {
        process.getOutputStream().close();
        process.waitFor();
    }

    public static void main(String[] args) throws IOException {
        try (LocalDelivery delivery =
                LocalDelivery.builder().cache(Path.of(args[0])).spares(0).build()) {
            delivery.start(new DeliveryContext(Path.of(args[1]), Clock.systemUTC(), ref -> {}));
            MemberRef ref =
                    new MemberRef(new dev.tenon.api.TenantId(args[2]), new dev.tenon.api.InstanceId(args[3]), args[4]);
            boolean ephemeral = Boolean.parseBoolean(args[6]);
            MemberWorkload workload = args[5].equals("postgres")
                    ? TestWorkloads.postgres(ref, ephemeral)
                    : TestWorkloads.sleeper(ref, ephemeral, "true");
            delivery.prepare(workload, new Epoch(1));
            System.out.println("READY "
                    + delivery.start(workload, new Epoch(1), Duration.ofMinutes(1))
                            .incarnation()
                            .orElseThrow());
            while (System.in.read() >= 0) {
                // Lives until its input ends.
            }
        }
    }
}
