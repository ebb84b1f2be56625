import Runtime
import Support
import Wire

/// Runs probes for real: commands through the runtime, and connections of its own that live no longer than
/// the probe.
struct NetworkChecker: ProbeChecker {
    /// Runs a command in a container to its end (``RuntimeService/execSync(_:_:timeout:)``).
    let run: @Sendable (_ containerID: String, [String], Duration) async throws(Fault) -> CRI.ExecSyncResponse

    func check(_ action: ProbeAction, containerID: String, timeout: Duration) async -> ProbeOutcome {
        switch action {
        case .exec(let command): await exec(command, containerID, timeout)
        case .http(let probe):
            await within(timeout, late: Self.lateAnswer(probe)) { await get(probe, timeout) }
        case .tcp(let host, let port): await connect(.tcp(host: host, port: port), timeout)
        case .grpc(let host, let port, let service): await health(host, port, service, timeout)
        }
    }

    // MARK: Commands

    private func exec(_ command: [String], _ containerID: String, _ timeout: Duration) async -> ProbeOutcome {
        do throws(Fault) {
            let answer = try await run(containerID, command, timeout)
            if answer.exitCode == 0 { return .success }
            return .failure(String(decoding: (answer.stdout + answer.stderr).prefix(10 << 10), as: UTF8.self))
        } catch {
            guard error.code == .timedOut else { return .unknown("\(error)") }
            let seconds = timeout.components.seconds
            return .failure(
                "command timed out: \"\(command.joined(separator: " "))\" timed out after \(seconds)s")
        }
    }

    // MARK: HTTP

    private static let mostRedirects = 10

    private func get(_ probe: ContainerRequest, _ timeout: Duration) async -> ProbeOutcome {
        var probe = probe
        do {
            let client = try HTTPClient.toContainer(within: timeout)
            for _ in 0..<Self.mostRedirects {
                let response = try await client.send(probe.request)
                if let next = probe.following(response.status, location: response.headers["Location"]) {
                    probe = next
                    continue
                }
                if (200..<300).contains(response.status.code) { return .success }
                // A redirect to elsewhere shows that the server answers.
                if (300..<400).contains(response.status.code) {
                    let body = try await Self.beginning(of: response.body)
                    return .warning("Probe terminated redirects, Response body: \(body)")
                }
                return .failure("HTTP probe failed with statuscode: \(response.status.code)")
            }
            return .failure("Get \"\(probe.url)\": stopped after \(Self.mostRedirects) redirects")
        } catch let fault as Fault where fault.code == .corrupt || fault.code == .denied {
            return .failure("Get \"\(probe.url)\": \(fault.summary)")
        } catch let fault as Fault where fault.code == .timedOut {
            return Self.lateAnswer(probe)
        } catch {
            let address = HTTPAddress.tcp(host: probe.host, port: probe.port)
            return .failure("Get \"\(probe.url)\": \(ProbeText.dialFailure(error, "\(address)"))")
        }
    }

    /// As much of an answer as people are shown.
    private static func beginning(of body: HTTPBody) async throws -> String {
        let most = 10 << 10
        var bytes: [UInt8] = []
        for try await part in body {
            bytes += part
            if bytes.count >= most { break }
        }
        return String(decoding: bytes.prefix(most), as: UTF8.self)
    }

    private static func lateAnswer(_ probe: ContainerRequest) -> ProbeOutcome {
        .failure(
            "Get \"\(probe.url)\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        )
    }

    // MARK: TCP

    private func connect(_ address: HTTPAddress, _ timeout: Duration) async -> ProbeOutcome {
        do {
            let stream = try await StreamDialer.dial(address, timeout: timeout)
            await stream.close()
            return .success
        } catch {
            return .failure(ProbeText.dialFailure(error, "\(address)"))
        }
    }

    // MARK: gRPC

    /// The health protocol of gRPC (grpc.health.v1).
    private func health(_ host: String, _ port: Int, _ service: String, _ timeout: Duration) async
        -> ProbeOutcome
    {
        var limits = GRPCClient.Limits()
        limits.connectTimeout = timeout
        let client = GRPCClient(.tcp(host: host, port: port), limits: limits)
        defer { client.close() }
        do throws(GRPCStatus) {
            let answer = try await client.unary(
                "/grpc.health.v1.Health/Check", GRPCHealth.request(service), timeout: timeout)
            let status = GRPCHealth.status(in: answer.message)
            if status == GRPCHealth.serving { return .success }
            return .failure("service unhealthy (responded with \"\(GRPCHealth.name(status))\")")
        } catch {
            let address = HTTPAddress.tcp(host: host, port: port)
            return switch error.code {
            case .unimplemented:
                .failure(
                    "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): "
                        + error.message)
            case .deadlineExceeded:
                .failure("timeout: health rpc did not complete within \(timeout.components.seconds)s")
            case .unavailable:
                .failure(
                    "timeout: failed to connect service \"\(address)\" within \(timeout.components.seconds)s")
            default: .failure("error: health rpc probe failed: \(error.textOfGo)")
            }
        }
    }

    /// Ends what takes too long; `late` is then its outcome.
    private func within(
        _ timeout: Duration, late: ProbeOutcome, _ body: @escaping @Sendable () async -> ProbeOutcome
    ) async -> ProbeOutcome {
        await withTimeLimit(timeout) { await body() } ?? late
    }
}
