package dev.tenon.baremetal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.spi.delivery.ExecResult;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.InitialiseStep;
import dev.tenon.spi.workload.Template;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Templates and their copies, with an initialise step that writes a few files in place of {@code initdb}. */
class SparesTest {
    private static final int FILES = 12;
    private static final List<InitialiseStep> STEPS = List.of(new InitialiseStep(
            "init", Command.of(Duration.ofSeconds(1), Template.text("init")), "data", "base/file-0", true));

    private final RunAs runAs =
            RunAs.resolve(Optional.empty(), Path.of("/etc/passwd"), Optional.of(Path.of("/usr/bin/setpriv")));
    private final TreeCopier copier = new TreeCopier(runAs);
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private volatile String words = "first";

    @TempDir
    Path place;

    private Templates templates;
    private Spares spares;

    @BeforeEach
    void open() {
        templates = new Templates(place, runAs, copier, threads, this::init, Clock.systemUTC());
        spares = new Spares(
                place.resolve("spares"), 4, "boot1234", templates, new Recycler(runAs, copier), path -> true);
    }

    @AfterEach
    void stop() throws InterruptedException {
        threads.shutdownNow();
        assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    }

    private ExecResult init(Command command, Rendering rendering) {
        try {
            Path base = Path.of(rendering.directories().get("data")).resolve("base");
            Files.createDirectory(base, Disk.mode(0700));
            runAs.own(base);
            for (int i = 0; i < FILES; i++) {
                Path file = Files.writeString(base.resolve("file-" + i), words + " " + i);
                Files.setPosixFilePermissions(file, Disk.permissions(0600));
                runAs.own(file);
            }
            return new ExecResult(0, "", "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Templates.Prepared template() {
        return templates.ensure("key", STEPS, place);
    }

    private void assertWhole(Path copy, String expected) throws IOException {
        Path base = copy.resolve("data/base");
        try (Stream<Path> files = Files.list(base)) {
            assertThat(files).hasSize(FILES);
        }
        for (int i = 0; i < FILES; i++) {
            assertThat(base.resolve("file-" + i)).hasContent(expected + " " + i);
        }
    }

    @Test
    void provide_usedCopyLackingAFile_isWholeAgain() throws IOException {
        Templates.Prepared template = template();
        Path first = place.resolve("one");
        spares.provide(template, false, first);
        Files.delete(first.resolve("data/base/file-3"));
        Files.writeString(first.resolve("data/base/file-4"), "changed");
        Files.writeString(first.resolve("data/base/stranger"), "left");
        assertThat(spares.giveBack(template.shelf(), first)).isTrue();

        Path second = place.resolve("two");
        spares.provide(template, false, second);
        assertWhole(second, "first");
        assertThat(place.resolve("spares").resolve(template.shelf())).isEmptyDirectory();
    }

    @Test
    void provide_templateMadeAnew_takesNoCopyOfTheOldOne() throws IOException {
        Templates.Prepared old = template();
        Path first = place.resolve("one");
        spares.provide(old, false, first);
        assertThat(spares.giveBack(old.shelf(), first)).isTrue();
        templates.discard(old);
        words = "second";

        Templates.Prepared anew = template();
        Path second = place.resolve("two");
        spares.provide(anew, false, second);
        assertWhole(second, "second");
        spares.sweep();
        assertThat(place.resolve("spares").resolve(old.shelf())).doesNotExist();
    }

    @Test
    void provide_manyAtOnceWhileOthersMakeAndSweep_areAllWhole() throws Exception {
        Templates.Prepared template = template();
        List<Future<?>> work = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            Path mine = place.resolve("mine-" + t);
            work.add(threads.submit(() -> {
                for (int i = 0; i < 40; i++) {
                    spares.provide(template, i % 3 == 0, mine);
                    assertWhole(mine, "first");
                    Files.writeString(mine.resolve("data/base/file-" + i % FILES), "used");
                    if (!spares.giveBack(template.shelf(), mine)) {
                        Disk.deleteTree(mine);
                    }
                }
                return null;
            }));
        }
        work.add(threads.submit(() -> {
            for (int i = 0; i < 40; i++) {
                spares.make(template, i % 2 == 0, () -> {});
                spares.sweep();
            }
            return null;
        }));
        for (Future<?> each : work) {
            each.get(1, TimeUnit.MINUTES);
        }
    }

    @Test
    void removeUnused_longUnused_goesWithItsCopiesAndIsMadeAnew() throws IOException {
        Templates.Prepared template = template();
        spares.make(template, false, () -> {});
        templates.removeUnused();
        assertThat(template.path()).exists();

        Files.setLastModifiedTime(
                place.resolve("templates/key.lock"),
                FileTime.from(Clock.systemUTC().instant().minus(Templates.UNUSED.plusDays(1))));
        templates.removeUnused();
        spares.sweep();
        assertThat(template.path()).doesNotExist();
        assertThat(place.resolve("spares").resolve(template.shelf())).doesNotExist();

        Path copy = place.resolve("one");
        spares.provide(template(), false, copy);
        assertWhole(copy, "first");
    }

    @Test
    void ensure_cacheEmptiedMeanwhile_isMadeAnew() throws IOException {
        template();
        Disk.deleteTree(place.resolve("templates"));
        assertThat(template().parts())
                .isEqualTo(Map.of("data", template().parts().get("data")));
    }
}
