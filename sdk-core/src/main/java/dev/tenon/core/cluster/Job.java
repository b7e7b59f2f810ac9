package dev.tenon.core.cluster;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.core.change.Requests;
import dev.tenon.core.failover.FailoverRecord;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.workload.MemberWorkload;
import java.util.Map;

/**
 * What a task at a member works with: the instance as it was when the task began.
 *
 * @param record from which its orders follow
 * @param request with the stance of each member under that record
 * @param rolled members that have other parameters or another size
 */
record Job(
        FailoverRecord record,
        EngineRequest request,
        Map<String, InstanceDoc.Rolled> rolled,
        EngineDriver engine,
        DeliveryDriver delivery,
        Epoch epoch) {
    MemberWorkload workload(String member) {
        return Requests.workloads(engine, delivery, request, rolled).stream()
                .filter(workload -> workload.ref().member().equals(member))
                .findFirst()
                .orElseThrow(() -> new ProviderException(ErrorCode.INTERNAL, "there is no member " + member));
    }
}
