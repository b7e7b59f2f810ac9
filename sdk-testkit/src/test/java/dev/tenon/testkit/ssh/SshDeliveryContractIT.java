package dev.tenon.testkit.ssh;

import dev.tenon.api.DataSize;
import dev.tenon.api.Resources;
import dev.tenon.baremetal.SshDelivery;
import dev.tenon.engine.postgresql.PostgresqlEngine;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.testkit.contract.DeliveryContract;
import dev.tenon.testkit.local.RestartingFiles;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The delivery over SSH keeps the contract with a real PostgreSQL on a real OpenSSH server. */
@NeedsDocker
class SshDeliveryContractIT extends DeliveryContract {
    /** Whichever host the class that runs has opened. */
    static SshContainer host;

    @BeforeAll
    static void open() {
        host = new SshContainer();
        host.start();
    }

    @AfterAll
    static void close() {
        if (host != null) {
            host.stop();
        }
    }

    /** Returns who logs in. */
    String user() {
        return "root";
    }

    @Override
    protected DeliveryDriver newDriver() {
        return SshDelivery.builder().host(host.as("h1", "a", user())).build();
    }

    @Override
    protected EngineDriver engine() {
        return RestartingFiles.of(new PostgresqlEngine(), restartParameter());
    }

    @Override
    protected String version() {
        return "17";
    }

    /** Six of them at a time must fit into seven tenths of two processors. */
    @Override
    protected Resources size() {
        return Resources.of(0.2, DataSize.mib(256), DataSize.mib(512));
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
        HostTraces.killMain(host, ref);
    }

    @Override
    protected List<String> residue(MemberRef ref) {
        return HostTraces.residue(host, ref);
    }

    @Override
    protected List<String> publicTexts(MemberRef ref) {
        return HostTraces.publicTexts(host, ref);
    }
}
