package dev.tenon.engine.postgresql;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Resources;
import dev.tenon.api.TenonException;
import dev.tenon.spi.engine.Sizing;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class PostgresqlSizingTest {
    @ParameterizedTest
    @CsvSource({
        "128MiB, 1, 21MB, 10, 704kB, 4MB, 1, 0",
        "256MiB, 1, 64MB, 16, 1600kB, 8MB, 1, 0",
        "512MiB, 1, 128MB, 32, 1856kB, 16MB, 3, 0",
        "1GiB, 1, 256MB, 64, 2048kB, 32MB, 3, 0",
        "4GiB, 2, 1024MB, 256, 2240kB, 128MB, 3, 1",
        "16GiB, 4, 4096MB, 500, 5120kB, 512MB, 5, 2",
        "64GiB, 16, 16384MB, 500, 24576kB, 2048MB, 5, 4",
    })
    void durable_ofASize_isTheTable(
            String memory,
            int cpus,
            String buffers,
            String connections,
            String work,
            String maintenance,
            String vacuumWorkers,
            String gather) {
        Map<String, String> settings = values(PostgresqlSizing.durable(
                PostgresqlVersion.V17, Resources.of(cpus, DataSize.parse(memory), DataSize.gib(20)), Map.of()));

        assertThat(settings)
                .containsEntry("shared_buffers", buffers)
                .containsEntry("max_connections", connections)
                .containsEntry("work_mem", work)
                .containsEntry("maintenance_work_mem", maintenance)
                .containsEntry("autovacuum_max_workers", vacuumWorkers)
                .containsEntry("max_parallel_workers_per_gather", gather);
    }

    @ParameterizedTest
    @EnumSource(PostgresqlVersion.class)
    void everySize_isProvenInsideItsMemory(PostgresqlVersion version) {
        Random random = new Random(17);
        for (int i = 0; i < 600; i++) {
            long mib = i < 200 ? 128 + i : 128 + (long) (Math.pow(random.nextDouble(), 4) * 4_000_000);
            double cpus = (1 + random.nextInt(2_560)) / 10.0;
            Resources resources = Resources.of(cpus, DataSize.mib(mib), DataSize.mib(256 + random.nextInt(1_000_000)));
            for (Sizing sizing : new Sizing[] {
                PostgresqlSizing.durable(version, resources, Map.of()),
                PostgresqlSizing.ephemeral(version, resources, Map.of())
            }) {
                assertThat(sizing.worstCase())
                        .as(resources + " " + sizing.proof())
                        .isLessThanOrEqualTo(DataSize.mib(mib));
                sizing.settings()
                        .forEach(s -> requireNonNull(ServerSettings.of(version).get(s.name()))
                                .canonical(s.value()));
                assertThat(sizing.settings())
                        .allSatisfy(s -> assertThat(s.reason()).isNotBlank());
            }
        }
    }

    @ParameterizedTest
    @EnumSource(PostgresqlVersion.class)
    void everySetting_isOneTheVersionHas(PostgresqlVersion version) {
        Resources resources = Resources.of(2, DataSize.gib(2), DataSize.gib(20));
        assertThat(ServerSettings.of(version).keySet())
                .containsAll(values(PostgresqlSizing.durable(version, resources, Map.of()))
                        .keySet())
                .containsAll(values(PostgresqlSizing.ephemeral(version, resources, Map.of()))
                        .keySet());
    }

    @ParameterizedTest
    @ValueSource(longs = {64, 127})
    void durable_belowTheLeast_isRefused(long mib) {
        Resources resources = Resources.of(1, DataSize.mib(mib), DataSize.gib(1));
        assertThatThrownBy(() -> PostgresqlSizing.durable(PostgresqlVersion.V17, resources, Map.of()))
                .isInstanceOfSatisfying(
                        TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.SIZE_INVALID))
                .hasMessageContaining("128MiB");
    }

    @ParameterizedTest
    @CsvSource({
        "shared_buffers, 1TB",
        "work_mem, 64MB",
        "max_connections, 5000",
        "temp_buffers, 64MB",
        "maintenance_work_mem, 900MB",
        "hash_mem_multiplier, 1000"
    })
    void durable_parameterThatBreaksTheProof_isRefusedWithNumbers(String name, String value) {
        Resources resources = Resources.of(1, DataSize.gib(1), DataSize.gib(10));
        assertThatThrownBy(() -> PostgresqlSizing.durable(PostgresqlVersion.V17, resources, Map.of(name, value)))
                .isInstanceOfSatisfying(
                        TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.PARAMETER_INVALID))
                .hasMessageContaining("1GiB")
                .hasMessageContaining("MiB");
    }

    @Test
    void durable_parameterThatFits_replacesOurs() {
        Resources resources = Resources.of(1, DataSize.gib(1), DataSize.gib(10));
        Sizing sizing = PostgresqlSizing.durable(
                PostgresqlVersion.V17, resources, Map.of("max_connections", "20", "jit", "on"));

        assertThat(values(sizing)).containsEntry("max_connections", "20").containsEntry("jit", "on");
        assertThat(sizing.settings().stream().filter(s -> s.name().equals("jit")))
                .singleElement()
                .satisfies(s -> assertThat(s.reason()).isEqualTo("set by the user"));
    }

    private static Map<String, String> values(Sizing sizing) {
        return sizing.settings().stream().collect(Collectors.toMap(Sizing.Setting::name, Sizing.Setting::value));
    }
}
