package dev.tenon.testkit;

import dev.tenon.api.Instance;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.TestInstances;
import org.junit.platform.commons.support.AnnotationSupport;
import org.junit.platform.commons.support.HierarchyTraversalMode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Hands databases to JUnit tests and takes them back when their scope ends. */
final class DatabaseExtension implements BeforeAllCallback, BeforeEachCallback, AfterEachCallback, ParameterResolver {
    private static final Logger log = LoggerFactory.getLogger(DatabaseExtension.class);
    private static final ExtensionContext.Namespace NAMESPACE =
            ExtensionContext.Namespace.create(DatabaseExtension.class);
    private static final Set<Class<?>> TYPES =
            Set.of(DataSource.class, Connection.class, String.class, TestDatabase.class, Instance.class);

    /** All databases of the run stand on this. JUnit before 5.13 closes only the one type, later ones want the other. */
    @SuppressWarnings("deprecation")
    private record Run(TestDatabases databases) implements ExtensionContext.Store.CloseableResource, AutoCloseable {
        @Override
        public void close() {
            databases.close();
        }
    }

    /** The databases of one method, class or run. */
    @SuppressWarnings("deprecation")
    private static final class Held implements ExtensionContext.Store.CloseableResource, AutoCloseable {
        private final Map<Wish, TestDatabase> databases = new LinkedHashMap<>();

        synchronized TestDatabase get(Wish wish, Function<Wish, TestDatabase> lease) {
            return databases.computeIfAbsent(wish, lease);
        }

        synchronized List<TestDatabase> all() {
            return List.copyOf(databases.values());
        }

        @Override
        public void close() {
            all().forEach(TestDatabase::close);
        }
    }

    @Override
    public void beforeAll(ExtensionContext context) throws Exception {
        inject(context, context.getRequiredTestClass(), null);
    }

    @Override
    public void beforeEach(ExtensionContext context) throws Exception {
        List<Object> instances =
                context.getTestInstances().map(TestInstances::getAllInstances).orElse(List.of());
        for (Object instance : instances) {
            inject(context, instance.getClass(), instance);
        }
    }

    /** Fills the fields of an instance, or the static ones where there is none. */
    private static void inject(ExtensionContext context, Class<?> type, @Nullable Object instance) throws Exception {
        for (Field field : AnnotationSupport.findAnnotatedFields(
                type,
                Database.class,
                field -> Modifier.isStatic(field.getModifiers()) == (instance == null),
                HierarchyTraversalMode.TOP_DOWN)) {
            if (!TYPES.contains(field.getType()) || Modifier.isFinal(field.getModifiers())) {
                throw new ExtensionConfigurationException(
                        field + " cannot hold a database; expected a field that is not final, of type " + names());
            }
            field.setAccessible(true);
            field.set(instance, value(context, field, field.getType()));
        }
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        Class<?> type = parameter.getParameter().getType();
        if (parameter.findAnnotation(Database.class).isPresent()) {
            if (!TYPES.contains(type)) {
                throw new ParameterResolutionException(
                        "a database is no " + type.getName() + "; expected one of " + names());
            }
            return true;
        }
        // Many tests have strings as parameters; only the annotation says that one is meant to be a URL.
        return TYPES.contains(type)
                && type != String.class
                && outer(context).findAny().isPresent();
    }

    private static List<String> names() {
        return TYPES.stream().map(Class::getSimpleName).sorted().toList();
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        Parameter wanted = parameter.getParameter();
        if (parameter.getDeclaringExecutable() instanceof Constructor
                && wish(context, wanted).scope() == Database.Scope.METHOD) {
            throw new ParameterResolutionException("a constructor runs before its test method is known; "
                    + "use a field, a parameter of the method, or scope = CLASS");
        }
        try {
            return value(context, wanted, wanted.getType());
        } catch (SQLException e) {
            throw new ParameterResolutionException("the database cannot be reached", e);
        }
    }

    private static Object value(ExtensionContext context, AnnotatedElement element, Class<?> type) throws SQLException {
        TestDatabase database = database(context, element);
        if (type == DataSource.class) {
            return database.dataSource();
        }
        if (type == Connection.class) {
            return database.dataSource().getConnection();
        }
        if (type == Instance.class) {
            return database.instance();
        }
        return type == String.class ? database.url() : database;
    }

    private static TestDatabase database(ExtensionContext context, AnnotatedElement element) {
        Wish wish = wish(context, element);
        ExtensionContext scope = scope(context, wish.scope());
        return scope.getStore(NAMESPACE)
                .getOrComputeIfAbsent(key(scope), key -> new Held(), Held.class)
                .get(wantsInstance(context, wish) ? wish.withOwnServer() : wish, wanted -> databases(context)
                        .lease(wanted.spec()));
    }

    /** A store also answers with what its parents hold. */
    private static String key(ExtensionContext scope) {
        return scope.getUniqueId();
    }

    private static TestDatabases databases(ExtensionContext context) {
        return context.getRoot()
                .getStore(NAMESPACE)
                .getOrComputeIfAbsent(Run.class, key -> new Run(TestDatabases.create()), Run.class)
                .databases();
    }

    /** Whether what gets the same database in this test also wants its server. */
    private static boolean wantsInstance(ExtensionContext context, Wish wish) {
        Stream<AnnotatedElement> fields = context.getTestClass().stream()
                .flatMap(type -> AnnotationSupport.findAnnotatedFields(type, Database.class).stream())
                .filter(field -> field.getType() == Instance.class)
                .map(field -> field);
        Stream<AnnotatedElement> parameters = context.getTestMethod().stream()
                .flatMap(method -> Arrays.stream(method.getParameters()))
                .filter(parameter -> parameter.getType() == Instance.class)
                .map(parameter -> parameter);
        return Stream.concat(fields, parameters)
                .anyMatch(element -> wish(context, element).equals(wish));
    }

    /** The nearest annotation that says anything. */
    private static Wish wish(ExtensionContext context, AnnotatedElement element) {
        return Stream.concat(AnnotationSupport.findAnnotation(element, Database.class).stream(), outer(context))
                .map(Wish::of)
                .filter(wish -> !wish.equals(Wish.PLAIN))
                .findFirst()
                .orElse(Wish.PLAIN);
    }

    /** The annotations of the method, its class, and the classes around that, nearest first. */
    private static Stream<Database> outer(ExtensionContext context) {
        Stream<Class<?>> classes = context.getTestClass().stream()
                .flatMap(type -> Stream.<Class<?>>iterate(type, each -> each != null, Class::getEnclosingClass));
        return Stream.concat(
                        context.getTestMethod().stream().map(method -> (AnnotatedElement) method),
                        classes.map(type -> (AnnotatedElement) type))
                .flatMap(element -> AnnotationSupport.findAnnotation(element, Database.class).stream());
    }

    private static ExtensionContext scope(ExtensionContext context, Database.Scope wanted) {
        return switch (wanted) {
            case METHOD -> context;
            case RUN -> context.getRoot();
            case CLASS -> {
                ExtensionContext scope = context;
                while (scope.getTestMethod().isPresent() && scope.getParent().isPresent()) {
                    scope = scope.getParent().get();
                }
                yield scope;
            }
        };
    }

    /** A failure says where to look, and what it happened to stays for a while. */
    @Override
    public void afterEach(ExtensionContext context) {
        context.getExecutionException()
                .filter(cause -> !cause.getClass().getName().equals("org.opentest4j.TestAbortedException"))
                .ifPresent(cause -> {
                    Optional<ExtensionContext> each = Optional.of(context);
                    while (each.isPresent()) {
                        Held held = each.get().getStore(NAMESPACE).get(key(each.get()), Held.class);
                        if (held != null) {
                            held.all().forEach(database -> keep(database, cause));
                        }
                        each = each.get().getParent();
                    }
                });
    }

    private static void keep(TestDatabase database, Throwable cause) {
        String where = database.keep();
        cause.addSuppressed(new KeptDatabase(where));
        log.warn("A test failed; its database is {}", where);
    }
}
