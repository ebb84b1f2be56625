import API
import APIMachinery
import Runtime

/// What containers have of the node alone, as the interface for monitoring tells it (KEP 606). Pure.
struct PodResourcesReport: Sendable {
    let devices: DeviceLedger
    let claims: ClaimLedger
    let state: ResourceDesk.State

    /// Of a pod's containers; sidecars are among them, other init containers have ended when it counts.
    func pod(_ pod: Pod) -> PodResourcesAPI.PodResources {
        var report = PodResourcesAPI.PodResources()
        (report.name, report.namespace) = (pod.objectName.name, pod.objectName.namespace)
        let sidecars = pod.spec.initContainers.filter { $0.restartPolicy == "Always" }
        report.containers = (sidecars + pod.spec.containers).map { container in
            let (uid, name) = (pod.metadata.uid, container.name)
            var own = PodResourcesAPI.ContainerResources()
            own.name = name
            for (resource, allocation) in (devices.allocations[uid]?[name] ?? [:]).sorted(by: { $0.key < $1.key }) {
                own.devices += allocation.all.sorted().flatMap { entries(resource, $0) }
            }
            own.cpuIDs = (state.processors?.processors(of: uid, name) ?? []).sorted().map(Int64.init)
            own.memory = (state.memory?.blocks(of: uid, name) ?? []).map {
                Self.memory($0.type, $0.size, $0.nodes)
            }
            own.dynamicResources = ((try? pod.deviceClaims(of: container)) ?? []).compactMap { use in
                claims[ObjectName(namespace: report.namespace, name: use.claim)].map {
                    Self.resource(use.claim, report.namespace, $0)
                }
            }
            return own
        }
        return report
    }

    /// What the node's pods can have, given or not.
    var allocatable: PodResourcesAPI.AllocatableResponse {
        var response = PodResourcesAPI.AllocatableResponse()
        for (resource, known) in devices.resources.sorted(by: { $0.key < $1.key }) {
            response.devices += known.healthy.sorted().flatMap { entries(resource, $0) }
        }
        response.cpuIDs = (state.processors?.allocatable ?? []).sorted().map(Int64.init)
        for (number, node) in (state.memory?.nodes ?? [:]).sorted(by: { $0.key < $1.key }) {
            for (type, table) in node.memory.sorted(by: { $0.key < $1.key }) where table.allocatable > 0 {
                response.memory.append(Self.memory(type, table.allocatable, [number]))
            }
        }
        return response
    }

    /// One for each node of memory that the device is near to.
    private func entries(_ resource: String, _ id: String) -> [PodResourcesAPI.ContainerDevices] {
        var entry = PodResourcesAPI.ContainerDevices()
        (entry.resourceName, entry.deviceIDs) = (resource, [id])
        let nodes = devices.resources[resource]?.devices[id]?.nodes ?? []
        guard !nodes.isEmpty else { return [entry] }
        return nodes.map { node in
            entry.topology = Self.topology([node])
            return entry
        }
    }

    private static func memory(_ type: String, _ size: Int64, _ nodes: [Int]) -> PodResourcesAPI.ContainerMemory {
        var memory = PodResourcesAPI.ContainerMemory()
        (memory.memoryType, memory.size) = (type, UInt64(clamping: size))
        memory.topology = topology(nodes)
        return memory
    }

    private static func resource(
        _ name: String, _ namespace: String, _ entry: ClaimLedger.Entry
    ) -> PodResourcesAPI.DynamicResource {
        var resource = PodResourcesAPI.DynamicResource()
        (resource.claimName, resource.claimNamespace) = (name, namespace)
        for (driver, devices) in entry.drivers.sorted(by: { $0.key < $1.key }) {
            for device in devices {
                var own = PodResourcesAPI.ClaimResource()
                (own.driverName, own.poolName, own.deviceName) = (driver, device.pool, device.name)
                own.shareID = device.share ?? ""
                own.cdiDevices = device.cdi.map { id in
                    var device = CRI.CDIDevice()
                    device.name = id
                    return device
                }
                resource.claimResources.append(own)
            }
        }
        return resource
    }

    private static func topology(_ nodes: [Int]) -> DeviceAPI.TopologyInfo {
        var topology = DeviceAPI.TopologyInfo()
        topology.nodes = nodes.map { DeviceAPI.NUMANode(Int64($0)) }
        return topology
    }
}

/// How the devices of a container are, as its status tells it (KEP 4680). Pure.
enum DeviceHealth {
    /// For `status.containerStatuses[].allocatedResourcesStatus`: by resource, in the order of their names.
    static func report(_ uid: String, _ container: String, _ devices: DeviceLedger) -> [ResourceStatus] {
        (devices.allocations[uid]?[container] ?? [:]).sorted { $0.key < $1.key }.map { resource, allocation in
            var status = ResourceStatus()
            status.name = resource
            let known = devices.resources[resource]
            status.value["resources"] = .array(
                allocation.all.sorted().map { id in
                    // After a restart nobody knows of it, until its plug-in has registered again.
                    let health = (known?.devices[id]).map { $0.isHealthy ? "Healthy" : "Unhealthy" } ?? "Unknown"
                    return ["resourceID": .string(id), "health": .string(health)]
                })
            return status
        }
    }
}
