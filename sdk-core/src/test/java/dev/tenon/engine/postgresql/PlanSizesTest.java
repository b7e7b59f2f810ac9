package dev.tenon.engine.postgresql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.DataSize;
import dev.tenon.api.Resources;
import dev.tenon.spi.engine.Sizing;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Common sizes of plans must be accepted: more memory is never "too little". */
class PlanSizesTest {
    @ParameterizedTest(name = "{0} processors, {1} MiB")
    @CsvSource({
        "0.5, 256",
        "0.5, 512",
        "1, 1024",
        "1, 2048",
        "2, 4096",
        "4, 4096",
        "4, 8192",
        "8, 8192",
        "4, 16384",
        "8, 16384",
        "16, 32768",
        "16, 65536",
        "32, 131072",
        "64, 262144"
    })
    void sizing_ofACommonPlan_fits(double cpus, long mib) {
        Resources resources = Resources.of(cpus, DataSize.mib(mib), DataSize.gib(100));
        for (PostgresqlVersion version : PostgresqlVersion.values()) {
            Sizing sizing = PostgresqlSizing.durable(version, resources, Map.of());
            assertThat(sizing.worstCase()).isLessThanOrEqualTo(resources.memory());
        }
    }
}
