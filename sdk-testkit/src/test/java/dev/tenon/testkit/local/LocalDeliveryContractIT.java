package dev.tenon.testkit.local;

import dev.tenon.baremetal.LocalDelivery;
import dev.tenon.engine.postgresql.PostgresqlEngine;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.testkit.contract.DeliveryContract;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The local delivery keeps the contract with a real PostgreSQL. */
class LocalDeliveryContractIT extends DeliveryContract {
    @Override
    protected DeliveryDriver newDriver() {
        return LocalDelivery.builder().spares(0).build();
    }

    @Override
    protected EngineDriver engine() {
        return RestartingFiles.of(new PostgresqlEngine(), restartParameter());
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
