package dev.tenon.server.architecture;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The rules over everything the server is built from. {@link RulesTest} shows that each can fail. */
@AnalyzeClasses(
        packages = "dev.tenon",
        importOptions = {ImportOption.DoNotIncludeTests.class, ArchitectureTest.NoTestJars.class})
class ArchitectureTest {
    /** Another module's tests that are used here, once they are packed. */
    static final class NoTestJars implements ImportOption {
        @Override
        public boolean includes(Location location) {
            return !location.contains("-tests.jar");
        }
    }

    @ArchTest
    static final ArchRule contract = Rules.CONTRACT_USES_NOTHING_FOREIGN;

    @ArchTest
    static final ArchRule core = Rules.CORE_KNOWS_NO_ENGINE_AND_NO_PLACE;

    @ArchTest
    static final ArchRule engines = Rules.ENGINES_KNOW_NO_PLACE;

    @ArchTest
    static final ArchRule enginesApart = Rules.ENGINES_KNOW_NO_OTHER;

    @ArchTest
    static final ArchRule places = Rules.PLACES_KNOW_NO_ENGINE;

    @ArchTest
    static final ArchRule placesApart = Rules.PLACES_KNOW_NO_OTHER;

    @ArchTest
    static final ArchRule internals = Rules.INTERNALS_STAY_INSIDE;

    @ArchTest
    static final ArchRule spiCycles = Rules.SPI_HAS_NO_CYCLES;

    @ArchTest
    static final ArchRule packageCycles = Rules.PACKAGES_HAVE_NO_CYCLES;

    @ArchTest
    static final ArchRule time = Rules.TIME_IS_INJECTED;

    @ArchTest
    static final ArchRule output = Rules.OUTPUT_IS_LOGGED;
}
