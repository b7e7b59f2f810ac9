package dev.tenon.server.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMethodReference;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What the modules may know of each other, and what no class may do by itself. */
final class Rules {
    private static final String ROOT = "dev.tenon.";
    private static final String[] API_AND_SPI = {"dev.tenon.api..", "dev.tenon.spi.."};

    /** Stronger than "no foreign types in signatures": the contract uses nothing that its users do not already have. */
    static final ArchRule CONTRACT_USES_NOTHING_FOREIGN = classes()
            .that()
            .resideInAnyPackage(API_AND_SPI)
            .should()
            .onlyDependOnClassesThat(resideInAnyPackage(
                            "dev.tenon.api..",
                            "dev.tenon.spi..",
                            "java..",
                            "javax.sql..",
                            "com.fasterxml.jackson.annotation..",
                            "com.fasterxml.jackson.databind.annotation..",
                            "org.immutables..",
                            "org.jspecify..",
                            "org.slf4j..")
                    .or(describe(
                            "defaults of Jackson's annotations",
                            target -> target.getName().startsWith("com.fasterxml.jackson.databind.")
                                    && target.getSimpleName().equals("None"))))
            .because("a backend's type in api or spi would bind every user to that backend");

    static final ArchRule CORE_KNOWS_NO_ENGINE_AND_NO_PLACE = noClasses()
            .that()
            .resideInAPackage("dev.tenon.core..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "dev.tenon.engine..",
                    "dev.tenon.baremetal..",
                    "dev.tenon.iaas..",
                    "dev.tenon.k8s..",
                    "dev.tenon.server..")
            .because("the control plane meets engines and places only through the spi");

    static final ArchRule ENGINES_KNOW_NO_PLACE = noClasses()
            .that()
            .resideInAPackage("dev.tenon.engine..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "dev.tenon.core..",
                    "dev.tenon.baremetal..",
                    "dev.tenon.iaas..",
                    "dev.tenon.k8s..",
                    "dev.tenon.server..")
            .because("engines and places meet only in a workload");

    static final ArchRule PLACES_KNOW_NO_ENGINE = noClasses()
            .that()
            .resideInAnyPackage("dev.tenon.baremetal..", "dev.tenon.iaas..", "dev.tenon.k8s..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("dev.tenon.core..", "dev.tenon.engine..", "dev.tenon.server..", "org.postgresql..")
            .because("engines and places meet only in a workload");

    static final ArchRule PLACES_KNOW_NO_OTHER = noClasses()
            .that(resideInAPackage("dev.tenon.baremetal..").or(resideInAPackage("dev.tenon.k8s..")))
            .should(dependOnPlaceOtherThanTheirOwn())
            .because("only iaas builds upon another place: its machines are hosts once they answer");

    static final ArchRule ENGINES_KNOW_NO_OTHER = slices().matching("dev.tenon.engine.(*)..")
            .should()
            .notDependOnEachOther()
            .because("an engine is added or left out as one");

    static final ArchRule INTERNALS_STAY_INSIDE = classes()
            .should(notReachIntoInternalsOfOthers())
            .because("what is public only because of package borders is no promise to others");

    static final ArchRule SPI_HAS_NO_CYCLES =
            slices().matching("dev.tenon.spi.(*)..").should().beFreeOfCycles();

    /** api and spi name each other on purpose: the builder takes drivers, drivers take values. Everything else is a DAG. */
    static final ArchRule PACKAGES_HAVE_NO_CYCLES =
            slices().assignedFrom(packagesOutsideApiAndSpi()).should().beFreeOfCycles();

    static final ArchRule TIME_IS_INJECTED = classes()
            .should(notReadClocksOrSleep())
            .because("time and waiting go through what the caller injects, so that tests need neither");

    static final ArchRule OUTPUT_IS_LOGGED = classes()
            .should(notPrintOrUseJavaLogging())
            .because("a library logs through SLF4J; only a program with a main method owns standard output");

    /** What the server's main method hands over to; it prints the welcome. */
    private static final String COMMAND_LINE = "dev.tenon.server.Launch";

    private static final Map<String, Set<String>> CLOCKS = Map.of(
            "java.time.Instant", Set.of("now"),
            "java.time.LocalDate", Set.of("now"),
            "java.time.LocalDateTime", Set.of("now"),
            "java.time.OffsetDateTime", Set.of("now"),
            "java.time.ZonedDateTime", Set.of("now"),
            "java.lang.System", Set.of("currentTimeMillis", "nanoTime"),
            "java.lang.Thread", Set.of("sleep"),
            "java.util.concurrent.TimeUnit", Set.of("sleep"));

    private Rules() {}

    private static ArchCondition<JavaClass> notReadClocksOrSleep() {
        return new ArchCondition<>("not read a clock or sleep") {
            @Override
            public void check(JavaClass item, ConditionEvents events) {
                if (program(item)) {
                    return;
                }
                for (JavaAccess<?> access : item.getAccessesFromSelf()) {
                    Set<String> names = CLOCKS.get(access.getTargetOwner().getName());
                    if (names == null
                            || !names.contains(access.getName())
                            || takesAClock(access)
                            || isTicker(item, access)) {
                        continue;
                    }
                    events.add(SimpleConditionEvent.violated(item, access.getDescription()));
                }
            }
        };
    }

    /** {@code Instant.now(clock)} is the injected clock. */
    private static boolean takesAClock(JavaAccess<?> access) {
        return access.getTarget().getFullName().contains("java.time.Clock");
    }

    /** Elapsed time is handed on as a function, or wrapped by the one type whose purpose it is. */
    private static boolean isTicker(JavaClass item, JavaAccess<?> access) {
        return access.getName().equals("nanoTime")
                && (access instanceof JavaMethodReference
                        || item.getSimpleName().equals("Ticker")
                        || item.getEnclosingClass()
                                .map(JavaClass::getSimpleName)
                                .equals(Optional.of("Ticker")));
    }

    private static ArchCondition<JavaClass> notPrintOrUseJavaLogging() {
        return new ArchCondition<>("not print or use java.util.logging") {
            @Override
            public void check(JavaClass item, ConditionEvents events) {
                for (JavaAccess<?> access : item.getAccessesFromSelf()) {
                    String owner = access.getTargetOwner().getName();
                    boolean prints = owner.equals("java.lang.System")
                            && Set.of("out", "err").contains(access.getName())
                            && !program(item)
                            && !item.getName().equals(COMMAND_LINE);
                    boolean stackTrace = access.getName().equals("printStackTrace");
                    if (prints || stackTrace || owner.startsWith("java.util.logging.")) {
                        events.add(SimpleConditionEvent.violated(item, access.getDescription()));
                    }
                }
            }
        };
    }

    /** Whether the class, or the one it is nested in, has a main method. */
    private static boolean program(JavaClass item) {
        JavaClass outermost = item;
        while (outermost.getEnclosingClass().isPresent()) {
            outermost = outermost.getEnclosingClass().get();
        }
        return outermost.getMethods().stream()
                .anyMatch(method -> method.getName().equals("main")
                        && method.getModifiers().contains(JavaModifier.STATIC)
                        && method.getRawReturnType().getName().equals("void"));
    }

    private static ArchCondition<JavaClass> dependOnPlaceOtherThanTheirOwn() {
        DescribedPredicate<JavaClass> places =
                resideInAnyPackage("dev.tenon.baremetal..", "dev.tenon.iaas..", "dev.tenon.k8s..");
        return new ArchCondition<>("depend on another place") {
            @Override
            public void check(JavaClass item, ConditionEvents events) {
                item.getDirectDependenciesFromSelf().stream()
                        .filter(dependency -> places.test(dependency.getTargetClass())
                                && !module(dependency.getTargetClass()).equals(module(item)))
                        .forEach(dependency ->
                                events.add(SimpleConditionEvent.satisfied(item, dependency.getDescription())));
            }
        };
    }

    private static ArchCondition<JavaClass> notReachIntoInternalsOfOthers() {
        DescribedPredicate<JavaClass> internal = describe(
                "internal",
                target -> target.getPackageName().startsWith(ROOT)
                        && (target.getPackageName() + ".").contains(".internal."));
        return new ArchCondition<>("not reach into internals of other modules") {
            @Override
            public void check(JavaClass item, ConditionEvents events) {
                item.getDirectDependenciesFromSelf().stream()
                        .filter(dependency -> internal.test(dependency.getTargetClass())
                                && !module(dependency.getTargetClass()).equals(module(item)))
                        .forEach(dependency ->
                                events.add(SimpleConditionEvent.violated(item, dependency.getDescription())));
            }
        };
    }

    private static SliceAssignment packagesOutsideApiAndSpi() {
        return new SliceAssignment() {
            @Override
            public SliceIdentifier getIdentifierOf(JavaClass javaClass) {
                boolean contract = resideInAnyPackage(API_AND_SPI).test(javaClass);
                return !javaClass.getPackageName().startsWith(ROOT) || contract
                        ? SliceIdentifier.ignore()
                        : SliceIdentifier.of(javaClass.getPackageName());
            }

            @Override
            public String getDescription() {
                return "packages outside api and spi";
            }
        };
    }

    private static String module(JavaClass type) {
        String name = type.getPackageName();
        int end = name.startsWith(ROOT) ? name.indexOf('.', ROOT.length()) : -1;
        return end < 0 ? name : name.substring(0, end);
    }
}
