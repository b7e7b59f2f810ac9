package dev.tenon.testkit.local;

import dev.tenon.baremetal.LocalDelivery;
import dev.tenon.engine.postgresql.PostgresqlEngine;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.testkit.contract.DeliveryContract;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The local delivery keeps the contract with a real PostgreSQL. */
class LocalDeliveryContractIT extends DeliveryContract {
    @Override
    protected DeliveryDriver newDriver() {
        return LocalDelivery.builder().spares(0).build();
    }

    /**
     * PostgreSQL itself says what waits for a restart, so that its files never do; here they do for the one parameter that this
     * contract changes.
     */
    @Override
    protected EngineDriver engine() {
        EngineDriver postgresql = new PostgresqlEngine();
        InvocationHandler restarting = (proxy, method, arguments) -> {
            try {
                Object answer = method.invoke(postgresql, arguments);
                return method.getName().equals("workloads")
                                && ((EngineRequest) arguments[0]).parameters().equals(restartParameter())
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

    @Override
    protected String version() {
        return "17";
    }

    @Override
    protected Map<String, String> restartParameter() {
        return Map.of("max_locks_per_transaction", "65");
    }

    @Override
    protected Map<String, String> reloadParameter() {
        return Map.of("work_mem", "1500kB");
    }

    @Override
    protected void killMain(MemberRef ref) {
        Traces.mainProcess(ref).destroyForcibly();
    }

    @Override
    protected List<String> residue(MemberRef ref) {
        List<String> found = new ArrayList<>(Traces.processes(ref));
        found.addAll(Traces.files(ref, directory));
        return found;
    }

    @Override
    protected List<String> publicTexts(MemberRef ref) {
        return Traces.publicTexts(ref);
    }
}
