package dev.tenon.testkit.contract;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.TenonException;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.store.CommitRefusedException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.opentest4j.TestAbortedException;

/**
 * A promise broken on purpose.
 *
 * @param test the contract's test of the promise
 * @param how what a driver or store does that breaks it
 */
record Broken(String test, String how, Breakage breakage) {
    /** A driver or store as it should be. */
    static final Breakage NOTHING = (verb, args, onwards) -> onwards.proceed(args);

    /** Answers a call in its own way, or passes it on. */
    @FunctionalInterface
    interface Breakage {
        Object call(String verb, Object[] args, Call onwards) throws Throwable;
    }

    @FunctionalInterface
    interface Call {
        Object proceed(Object... args) throws Throwable;
    }

    /** Changes what a verb answers with. */
    static <T> Breakage answering(String broken, Class<T> type, UnaryOperator<T> change) {
        return (verb, args, onwards) -> {
            Object answer = onwards.proceed(args);
            return verb.equals(broken) ? change.apply(type.cast(answer)) : answer;
        };
    }

    /** Changes the arguments of a verb. */
    static Breakage calling(String broken, UnaryOperator<Object[]> change) {
        return (verb, args, onwards) -> onwards.proceed(verb.equals(broken) ? change.apply(args.clone()) : args);
    }

    @Override
    public String toString() {
        return test + ": one that " + how;
    }

    /** Puts a breakage around a driver, with all sessions it opens, or a store. */
    static <T> T proxy(Class<T> type, T inner, Breakage breakage) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (self, method, given) -> {
            Object[] args = given == null ? new Object[0] : given;
            Object answer = breakage.call(method.getName(), args, changed -> {
                try {
                    return method.invoke(inner, changed);
                } catch (InvocationTargetException e) {
                    throw e.getCause();
                }
            });
            return answer instanceof EngineSession session ? proxy(EngineSession.class, session, breakage) : answer;
        }));
    }

    /** The tests of a contract. */
    static List<String> tests(Class<?> contract) {
        return Arrays.stream(contract.getDeclaredMethods())
                .filter(method -> method.isAnnotationPresent(Test.class))
                .map(Method::getName)
                .toList();
    }

    /** Runs the test that must notice. A suite that cannot even run it has noticed nothing. */
    void assertNoticed(Object suite, Class<?> contract) {
        assertThatThrownBy(() -> run(suite, contract))
                .isInstanceOfAny(AssertionError.class, TenonException.class, CommitRefusedException.class);
    }

    /** Runs the test. */
    void run(Object suite, Class<?> contract) throws Throwable {
        Method method = contract.getDeclaredMethod(test);
        try {
            method.invoke(suite);
        } catch (InvocationTargetException e) {
            Throwable cause = e.getCause();
            if (cause instanceof TestAbortedException) {
                throw new IllegalStateException(test + " does not run here", cause);
            }
            // From a thread that the test started.
            throw cause instanceof ExecutionException ? cause.getCause() : cause;
        }
    }
}
