package dev.tenon.core.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.TenonException;
import dev.tenon.spi.store.Commit;
import dev.tenon.spi.store.CommitRefusedException;
import dev.tenon.spi.store.Query;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SqliteStoreFaultsIT {
    @TempDir
    Path directory;

    @Test
    void files_ofANewStore_areTheirOwnersAlone() throws Exception {
        Path file = directory.resolve("state/tenon.db");
        SqliteStore store = SqliteStore.file(file);
        store.open();
        try (store) {
            put(store, "i-1", "{}");
            try (var files = Files.list(file.getParent())) {
                assertThat(files).hasSizeGreaterThanOrEqualTo(3).allSatisfy(one -> assertThat(
                                PosixFilePermissions.toString(Files.getPosixFilePermissions(one)))
                        .isEqualTo("rw-------"));
            }
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file.getParent())))
                    .isEqualTo("rwx------");
        }
    }

    @Test
    void open_fileIsNoStore_saysWhatToDoAndTheNextTryWorks() throws Exception {
        Path file = directory.resolve("tenon.db");
        Files.writeString(file, "this is not a database, and long enough to look like one: " + "x".repeat(4_096));
        SqliteStore store = SqliteStore.file(file);

        for (int attempt = 0; attempt < 2; attempt++) {
            assertThatThrownBy(store::open)
                    .isInstanceOfSatisfying(
                            TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE))
                    .hasMessageContaining(file.toString())
                    .hasMessageContaining("good copy");
        }
        assertThat(Files.readString(file)).startsWith("this is not a database");

        Files.delete(file);
        store.open();
        try (store) {
            put(store, "i-1", "{}");
            assertThat(store.find("instance", "i-1")).isPresent();
        }
    }

    @Test
    void open_directoryCannotBeMade_saysSo() throws Exception {
        Path inTheWay = Files.writeString(directory.resolve("file"), "");

        assertThatThrownBy(() -> SqliteStore.file(inTheWay.resolve("tenon.db")).open())
                .isInstanceOfSatisfying(
                        TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE))
                .hasMessageContaining("directory");
    }

    @Test
    void commits_damagedWhileOpen_failAndWorkAgainWithAGoodCopy() throws Exception {
        Path file = directory.resolve("tenon.db");
        Path copy = directory.resolve("copy.db");
        SqliteStore store = SqliteStore.file(file);
        store.open();
        put(store, "i-1", "{}");
        store.close();
        Files.copy(file, copy);
        byte[] bytes = Files.readAllBytes(file);
        for (int i = 4_096; i < bytes.length; i++) {
            bytes[i] = (byte) (i * 31);
        }
        Files.write(file, bytes);

        assertThatThrownBy(() -> {
                    store.open();
                    put(store, "i-2", "{}");
                })
                .isInstanceOfSatisfying(
                        TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE));
        store.close();

        Files.copy(copy, file, StandardCopyOption.REPLACE_EXISTING);
        store.open();
        try (store) {
            put(store, "i-2", "{}");
            assertThat(store.count(Query.of("instance").build())).isEqualTo(2);
        }
    }

    @Test
    void commit_diskIsFull_saysSoAndTheNextTryWorks() throws Exception {
        Path disk = Files.createDirectory(directory.resolve("disk"));
        assumeThat(run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk.toString()))
                .as("may mount a small file system here")
                .isTrue();
        try {
            Path ballast = disk.resolve("ballast");
            SqliteStore store = SqliteStore.file(disk.resolve("tenon.db"));
            store.open();
            try (store) {
                put(store, "i-1", "{}");
                Files.write(ballast, new byte[1 << 20]);

                assertThatThrownBy(() -> {
                            for (int n = 0; n < 10; n++) {
                                put(store, "big-" + n, "x".repeat(200_000));
                            }
                        })
                        .isInstanceOfSatisfying(
                                TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.DISK_FULL))
                        .hasMessageContaining("Free some space");
                long kept = store.count(Query.of("instance").build());
                assertThat(store.counter("c", "documents")).isEqualTo(kept);

                Files.delete(ballast);
                put(store, "i-2", "{}");
                assertThat(store.find("instance", "i-2")).isPresent();
                assertThat(store.counter("c", "documents")).isEqualTo(kept + 1);
            }
        } finally {
            run("umount", disk.toString());
        }
    }

    @Test
    void commits_manyAtOnce_shareTransactionsAndEachHearsItsOwnOutcome() throws Exception {
        SqliteStore store = SqliteStore.file(directory.resolve("tenon.db"));
        store.open();
        int threads = 32;
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        try (store) {
            CountDownLatch start = new CountDownLatch(1);
            List<Future<Boolean>> outcomes = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                String id = "i-" + i / 2;
                Callable<Boolean> commit = () -> {
                    start.await();
                    try {
                        put(store, id, "{}");
                        return true;
                    } catch (CommitRefusedException e) {
                        return false;
                    }
                };
                outcomes.add(pool.submit(commit));
            }
            start.countDown();
            int done = 0;
            for (Future<Boolean> outcome : outcomes) {
                done += outcome.get() ? 1 : 0;
            }
            assertThat(done).isEqualTo(threads / 2);
            assertThat(store.counter("c", "documents")).isEqualTo(threads / 2);
        } finally {
            pool.shutdownNow();
        }
    }

    private static void put(SqliteStore store, String id, String body) {
        store.commit(Commit.builder()
                .addPuts(new Commit.Put("instance", id, "-", "", "A", 0, 0, body))
                .addAdds(new Commit.Add("c", "documents", 1, 1_000_000))
                .build());
    }

    private static boolean run(String... command) throws IOException, InterruptedException {
        return new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start()
                        .waitFor()
                == 0;
    }
}
