import API
import Host
import Runtime
import Support
import Wire

extension NodeAPI {
    /// `/containerLogs/NAMESPACE/POD/CONTAINER`: the log as plain text, as long as it takes.
    func sendLog(_ path: NodeRoute.ContainerPath, _ request: HTTPRequest, _ exchange: HTTPExchange) async throws {
        guard let options = LogOptions(request.query, now: now()) else {
            throw NodeFailure(.unprocessable, #"{"message": "Invalid request."}"#)
        }
        guard let pod = pod(path.pod) else {
            throw NodeFailure(.notFound, "pod \"\(path.pod.name)\" does not exist\n")
        }
        guard pod.hasContainer(path.container) else {
            throw NodeFailure(
                .notFound, "container \"\(path.container)\" not found in pod \"\(path.pod.name)\"\n")
        }
        let status = try await runToRead(path.container, pod, options)
        // Opened here as well, so that a log that is not there is an error and not an empty answer.
        do throws(Fault) { _ = try OpenFile(status.logPath) } catch { throw unreadable(status.id, error) }

        let reader = LogReader(path: status.logPath, options: options)
        let writer = exchange.startResponse(.ok, ["Content-Type": "text/plain"])
        let send: @Sendable ([UInt8]) async throws -> Void = { try await writer.send($0) }
        if options.isFollowing, status.state != .exited {
            let end = ContainerEnd(runtime: runtime, id: status.id)
            try await reader.follow(until: { await end.wait() }, send)
        } else {
            try await reader.read(send)
        }
    }

    /// What the runtime says of the run whose log is wanted.
    private func runToRead(
        _ container: String, _ pod: Pod, _ options: LogOptions
    ) async throws(NodeFailure) -> CRI.ContainerStatus {
        let id: String
        do throws(LogSource.Missing) {
            id = try LogSource.containerID(of: container, in: pod, isPrevious: options.isPrevious)
        } catch {
            throw NodeFailure(.badRequest, error.message)
        }
        do throws(Fault) {
            return try await runtime.containerStatus(id)
        } catch {
            throw unreadable(id, error)
        }
    }

    private func unreadable(_ id: String, _ fault: Fault) -> NodeFailure {
        NodeFailure(.badRequest, "unable to retrieve container logs for \(runtime.idScheme)://\(id): \(fault.summary)")
    }
}

extension LogOptions {
    /// Reads the query of a log request. `nil` when a value is not of its type or makes no sense.
    init?(_ query: HTTPQuery, now: Timestamp) {
        self.init()
        isFollowing = query.flag("follow")
        isPrevious = query.flag("previous")
        hasTimestamps = query.flag("timestamps")
        if let text = query["sinceTime"], !text.isEmpty {
            guard let time = Timestamp(text) else { return nil }
            since = time
        }
        guard let seconds = query.count("sinceSeconds"), let lines = query.count("tailLines"),
            let bytes = query.count("limitBytes")
        else { return nil }
        if let seconds { since = now + .seconds(-seconds) }
        tailLines = lines
        limitBytes = bytes
        switch query["stream"] {
        case nil, "", "All": break
        case "Stdout": stream = .stdout
        case "Stderr": stream = .stderr
        default: return nil
        }
    }
}

extension HTTPQuery {
    /// A number that is not negative: `.some(nil)` when there is none, `nil` when it is no such number.
    fileprivate func count(_ name: String) -> Int?? {
        guard let text = self[name], !text.isEmpty else { return .some(nil) }
        guard let number = Int(text), number >= 0, number <= Int(Int32.max) || name != "sinceSeconds" else { return nil }
        return .some(number)
    }
}
