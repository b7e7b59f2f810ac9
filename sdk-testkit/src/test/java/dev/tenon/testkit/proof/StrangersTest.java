package dev.tenon.testkit.proof;

import static dev.tenon.testkit.proof.World.PATIENCE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.Change;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Event;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceFilter;
import dev.tenon.api.InstanceView;
import dev.tenon.api.OperationView;
import dev.tenon.api.PageRequest;
import dev.tenon.api.Preview;
import dev.tenon.api.RequestKey;
import dev.tenon.api.Subscription;
import dev.tenon.api.Tenant;
import dev.tenon.api.TenonException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Two tenants never see each other: for each, what the other has does not exist. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class StrangersTest {
    @TempDir
    static Path directory;

    private World world;
    private Tenant mine;
    private Tenant theirs;
    private World.Running running;
    private Instance myInstance;
    private Instance theirInstance;
    private Instance theirRecycled;
    private List<OperationView> theirOperations;

    @BeforeAll
    void open() {
        world = new World(directory);
        running = world.start();
        mine = World.tenant(running.tenon, "mine");
        theirs = World.tenant(running.tenon, "theirs");
        myInstance = World.created(mine, "same-name");
        theirInstance = World.created(theirs, "same-name");
        theirRecycled = World.created(theirs, "recycled");
        theirRecycled.delete().await(PATIENCE);
        World.quiet(theirs);
        theirOperations = World.operations(theirs);
        assertThat(theirOperations).hasSizeGreaterThanOrEqualTo(3);
    }

    @AfterAll
    void close() {
        world.close();
    }

    @TestFactory
    Stream<DynamicTest> handle_idOfTheOtherTenant_isNotFound() {
        Map<String, ThrowingCallable> calls = new LinkedHashMap<>();
        for (Instance i : List.of(theirInstance, theirRecycled)) {
            calls.put("instances.get " + i.id(), () -> mine.instances().get(i.id()));
            calls.put("operations.list of " + i.id(), () -> mine.operations()
                    .list(Optional.of(i.id()), PageRequest.first(10)));
        }
        for (OperationView o : theirOperations) {
            calls.put("operations.get " + o.id() + " " + o.kind(), () -> mine.operations()
                    .get(o.id()));
            calls.put("operations.approve " + o.id(), () -> mine.operations().approve(o.id()));
            calls.put("operations.reject " + o.id(), () -> mine.operations().reject(o.id(), "no"));
        }
        return calls.entrySet().stream()
                .map(c -> DynamicTest.dynamicTest(c.getKey(), () -> assertThatThrownBy(c.getValue())
                        .isInstanceOfSatisfying(TenonException.class, e -> {
                            assertThat(e.code()).isEqualTo(ErrorCode.NOT_FOUND);
                            assertThat(e.getMessage())
                                    .doesNotContain(theirs.id().value());
                        })));
    }

    @Test
    void lists_always_holdOnlyOnesOwn() {
        List<InstanceView> seen = World.instances(mine);
        assertThat(seen).extracting(InstanceView::id).containsExactly(myInstance.id());
        assertThat(mine.instances().find("same-name").orElseThrow().id()).isEqualTo(myInstance.id());
        assertThat(mine.instances().find("recycled")).isEmpty();
        assertThat(mine.instances()
                        .list(InstanceFilter.builder().text("recycled").build(), PageRequest.first(10))
                        .items())
                .isEmpty();
        assertThat(World.operations(mine)).isNotEmpty().allMatch(o -> o.tenant().equals(mine.id()));
    }

    @Test
    void events_always_areOnesOwn() {
        List<Event> all = new ArrayList<>(mine.events().latest(1_000));
        all.addAll(mine.events().after(0, 1_000));
        all.addAll(myInstance.events().latest(1_000));
        assertThat(all).isNotEmpty().allMatch(e -> e.tenant().equals(Optional.of(mine.id())));
    }

    @Test
    void subscription_whileTheOtherWorks_getsOnlyOnesOwn() {
        List<Event> got = new CopyOnWriteArrayList<>();
        try (Subscription subscription = mine.events().subscribe(0, got::add)) {
            theirInstance.restart().await(PATIENCE);
            myInstance.restart().await(PATIENCE);
            long last = mine.events().latest(1).get(0).sequence();
            World.eventually("all own events", () -> got.stream().anyMatch(e -> e.sequence() >= last));
        }
        assertThat(got).allMatch(e -> e.tenant().equals(Optional.of(mine.id())));
    }

    @Test
    void preview_ofTheOthersInstance_cannotBeApplied() {
        String placed = world.place.dump();
        Preview preview = theirInstance.preview(new Change.Stop());
        assertThatThrownBy(() -> myInstance.apply(preview))
                .isInstanceOfSatisfying(TenonException.class, e -> assertThat(e.code())
                        .isIn(ErrorCode.STALE, ErrorCode.NOT_FOUND, ErrorCode.SPEC_INVALID));
        assertThat(world.place.dump()).isEqualTo(placed);
    }

    @Test
    void requestKey_usedByBoth_isEachOnesOwn() {
        RequestKey key = new RequestKey("shared-key", "body");
        var first = running.tenon
                .under(key)
                .tenant("mine")
                .instances()
                .create(World.spec("keyed").build());
        var second = running.tenon
                .under(key)
                .tenant("theirs")
                .instances()
                .create(World.spec("keyed").build());
        assertThat(second.id()).isNotEqualTo(first.id());
        assertThat(first.await(PATIENCE).tenant()).isEqualTo(mine.id());
        assertThat(second.await(PATIENCE).tenant()).isEqualTo(theirs.id());
        for (Tenant tenant : List.of(mine, theirs)) {
            Instance keyed = tenant.instances().find("keyed").orElseThrow();
            keyed.apply(new Change.Delete(Optional.of(java.time.Duration.ZERO))).await(PATIENCE);
        }
    }
}
