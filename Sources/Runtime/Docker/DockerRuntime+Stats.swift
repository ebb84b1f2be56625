import APIMachinery
public import Support
import Synchronization
import Wire

extension DockerRuntime {
    /// How many containers are measured at a time.
    private static let measuredAtOnce = 8

    public func containerStats(_ id: String) async throws(Fault) -> CRI.ContainerStats {
        var filter = CRI.ContainerStatsFilter()
        filter.id = id
        guard let stats = try await listContainerStats(filter).first else {
            throw Fault(.notFound, "no container \(id) runs")
        }
        return stats
    }

    /// Of those that run.
    public func listContainerStats(_ filter: CRI.ContainerStatsFilter) async throws(Fault) -> [CRI.ContainerStats] {
        let wanted = DockerFilter(
            type: DockerLabels.container, labels: filter.labelSelector, id: filter.id, sandbox: filter.podSandboxID)
        let listed = try await client.containers(wanted, isRunning: true).compactMap(DockerContainer.listed)
        let written = try await layers(of: listed.map(\.id), wanted)
        let containers = listed.map { ($0, written[$0.id]) }
        var results: [CRI.ContainerStats] = []
        var failure: Fault?
        await withTaskGroup(of: Result<CRI.ContainerStats?, Fault>.self) { group in
            for (index, (container, written)) in containers.enumerated() {
                if index >= Self.measuredAtOnce, let result = await group.next() { Self.take(result, &results, &failure) }
                group.addTask { await self.measure(container, written: written) }
            }
            for await result in group { Self.take(result, &results, &failure) }
        }
        if let failure { throw failure }
        return results
    }

    /// How much these containers have written, by id.
    private func layers(of ids: [String], _ filter: DockerFilter) async throws(Fault) -> [String: Int64] {
        if let known = sizes.withLock({ $0.bytes(of: ids, at: .sinceBoot) }) { return known }
        var measured: [String: Int64] = [:]
        for entry in try await client.containers(filter, isRunning: true, hasSizes: true) {
            if let id = entry["Id"]?.string { measured[id] = entry["SizeRw"]?.integer ?? 0 }
        }
        let all = measured
        sizes.withLock { $0.note(all, at: .sinceBoot) }
        return all
    }

    private static func take(
        _ result: Result<CRI.ContainerStats?, Fault>, _ results: inout [CRI.ContainerStats], _ failure: inout Fault?
    ) {
        switch result {
        case .success(let stats): if let stats { results.append(stats) }
        case .failure(let fault): failure = failure ?? fault
        }
    }

    /// `nil` for one that has ended meanwhile.
    private func measure(_ container: CRI.Container, written: Int64?) async -> Result<CRI.ContainerStats?, Fault> {
        do throws(Fault) {
            let stats = try await client.call(
                .get, "/containers/\(container.id)/stats", query: [("stream", "false"), ("one-shot", "true")],
                "cannot measure the container \(container.id)")
            return .success(
                DockerStats.read(stats, of: container, written: written, root: root, now: Self.nanoseconds(.now)))
        } catch {
            return error.code == .notFound || error.code == .conflict ? .success(nil) : .failure(error)
        }
    }

    /// The sum of its containers. Docker knows nothing of a network that it did not make.
    public func podSandboxStats(_ id: String) async throws(Fault) -> CRI.PodSandboxStats {
        let status = try await podSandboxStatus(id)
        var filter = CRI.ContainerStatsFilter()
        filter.podSandboxID = id
        var stats = CRI.PodSandboxStats()
        (stats.attributes.id, stats.attributes.metadata) = (id, status.metadata)
        (stats.attributes.labels, stats.attributes.annotations) = (status.labels, status.annotations)
        stats.linux.containers = try await listContainerStats(filter)
        var (cpu, memory) = (CRI.CPUUsage(), CRI.MemoryUsage())
        cpu.timestamp = Self.nanoseconds(.now)
        memory.timestamp = cpu.timestamp
        cpu.usageCoreNanoseconds = Self.sum(stats.linux.containers.map { $0.cpu?.usageCoreNanoseconds })
        memory.usageBytes = Self.sum(stats.linux.containers.map { $0.memory?.usageBytes })
        memory.workingSetBytes = Self.sum(stats.linux.containers.map { $0.memory?.workingSetBytes })
        memory.rssBytes = Self.sum(stats.linux.containers.map { $0.memory?.rssBytes })
        (stats.linux.cpu, stats.linux.memory) = (cpu, memory)
        return stats
    }

    private static func sum(_ numbers: [UInt64?]) -> UInt64 {
        numbers.reduce(0) { sum, number in
            let (total, isTooLarge) = sum.addingReportingOverflow(number ?? 0)
            return isTooLarge ? .max : total
        }
    }
}
