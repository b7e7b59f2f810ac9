package dev.tenon.server.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.EvaluationResult;
import dev.tenon.api.fixture.ForeignType;
import dev.tenon.baremetal.fixture.ReachesOver;
import dev.tenon.core.fixture.KnowsAnEngine;
import dev.tenon.engine.fixture.KnowsCore;
import dev.tenon.engine.other.KnowsAnother;
import dev.tenon.k8s.fixture.internal.Hidden;
import dev.tenon.server.architecture.fixture.Prints;
import dev.tenon.server.architecture.fixture.Program;
import dev.tenon.server.architecture.fixture.ReadsTheClock;
import dev.tenon.spi.fixturea.First;
import dev.tenon.spi.fixtureb.Second;
import org.junit.jupiter.api.Test;

/** Each rule against a class that breaks it: a rule that cannot fail says nothing. */
class RulesTest {
    @Test
    void contract_withAForeignType_isFound() {
        finds(Rules.CONTRACT_USES_NOTHING_FOREIGN, "JsonNode", ForeignType.class);
    }

    @Test
    void core_namingAnEngine_isFound() {
        finds(Rules.CORE_KNOWS_NO_ENGINE_AND_NO_PLACE, "KnowsCore", KnowsAnEngine.class, KnowsCore.class);
    }

    @Test
    void engine_namingTheControlPlane_isFound() {
        finds(Rules.ENGINES_KNOW_NO_PLACE, "KnowsAnEngine", KnowsAnEngine.class, KnowsCore.class);
    }

    @Test
    void engine_namingAnother_isFound() {
        finds(Rules.ENGINES_KNOW_NO_OTHER, "KnowsAnother", KnowsAnother.class, KnowsCore.class);
    }

    @Test
    void place_namingAnEngine_isFound() {
        finds(Rules.PLACES_KNOW_NO_ENGINE, "KnowsCore", dev.tenon.k8s.fixture.KnowsAnEngine.class, KnowsCore.class);
    }

    @Test
    void place_namingAnotherAndItsInternals_isFound() {
        finds(Rules.PLACES_KNOW_NO_OTHER, "Hidden", ReachesOver.class, Hidden.class);
        finds(Rules.INTERNALS_STAY_INSIDE, "Hidden", ReachesOver.class, Hidden.class);
    }

    @Test
    void cycles_areFound() {
        finds(Rules.SPI_HAS_NO_CYCLES, "Cycle", First.class, Second.class);
        finds(Rules.PACKAGES_HAVE_NO_CYCLES, "Cycle", KnowsAnEngine.class, KnowsCore.class);
    }

    @Test
    void time_readInAnyForm_isFound() {
        EvaluationResult result = evaluate(Rules.TIME_IS_INJECTED, ReadsTheClock.class);
        assertThat(result.getFailureReport().getDetails()).hasSize(5).noneMatch(detail -> detail.contains("allowed("));
    }

    @Test
    void output_inAnyForm_isFound() {
        assertThat(evaluate(Rules.OUTPUT_IS_LOGGED, Prints.class)
                        .getFailureReport()
                        .getDetails())
                .hasSizeGreaterThanOrEqualTo(3)
                .anyMatch(detail -> detail.contains("print()"))
                .anyMatch(detail -> detail.contains("log()"))
                .anyMatch(detail -> detail.contains("trace("));
    }

    @Test
    void program_withItsOwnClockAndOutput_isFine() throws ClassNotFoundException {
        Class<?> nested = Class.forName(Program.class.getName() + "$Nested");
        for (ArchRule rule : new ArchRule[] {Rules.TIME_IS_INJECTED, Rules.OUTPUT_IS_LOGGED}) {
            assertThat(evaluate(rule, Program.class, nested).hasViolation()).isFalse();
        }
    }

    private static void finds(ArchRule rule, String in, Class<?>... classes) {
        EvaluationResult result = evaluate(rule, classes);
        assertThat(result.hasViolation()).isTrue();
        assertThat(result.getFailureReport().toString()).contains(in);
    }

    private static EvaluationResult evaluate(ArchRule rule, Class<?>... classes) {
        return rule.evaluate(new ClassFileImporter().importClasses(classes));
    }
}
