package dev.tenon.testkit.local;

import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.MemberWorkload;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;

/** An engine whose files need a restart for some parameters. */
public final class RestartingFiles {
    private RestartingFiles() {}

    /**
     * PostgreSQL itself says what waits for a restart, so that its files never do; here they do for the parameters that a contract
     * changes.
     */
    public static EngineDriver of(EngineDriver engine, Map<String, String> parameters) {
        InvocationHandler restarting = (proxy, method, arguments) -> {
            try {
                Object answer = method.invoke(engine, arguments);
                return method.getName().equals("workloads")
                                && ((EngineRequest) arguments[0]).parameters().equals(parameters)
                        ? ((List<?>) answer)
                                .stream()
                                        .map(w -> restarting((MemberWorkload) w))
                                        .toList()
                        : answer;
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        };
        return (EngineDriver) Proxy.newProxyInstance(
                EngineDriver.class.getClassLoader(), new Class<?>[] {EngineDriver.class}, restarting);
    }

    private static MemberWorkload restarting(MemberWorkload workload) {
        return MemberWorkload.builder()
                .from(workload)
                .files(workload.files().stream()
                        .map(f -> new FileSpec(
                                f.directory(), f.path(), f.content(), f.mode(), f.secret(), FileSpec.OnChange.RESTART))
                        .toList())
                .build();
    }
}
