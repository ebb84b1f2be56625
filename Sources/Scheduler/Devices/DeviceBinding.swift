import APIMachinery
import Support

/// Whether the devices of a claim are ready, so that pods can be bound to a node that they were made ready for (KEP-5007).
enum DeviceBinding: Hashable, Sendable {
    case ready
    /// They were given so long ago; `nil` when nobody said when.
    case pending(Duration?)
    /// Why they will not be.
    case failed(String)

    /// Reads a claim that has devices.
    init(of claim: Value, at now: Timestamp) {
        self = .ready
        let allocation = claim.at("status", "allocation")
        for result in allocation?.at("devices", "results")?.array ?? [] {
            let wanted = (result["bindingConditions"]?.array ?? []).compactMap(\.string)
            guard !wanted.isEmpty else { continue }
            let told = Self.conditions(of: result, in: claim)
            for type in (result["bindingFailureConditions"]?.array ?? []).compactMap(\.string) {
                guard let failure = told.first(where: { $0["type"]?.string == type && $0["status"] == "True" }) else { continue }
                let (reason, message) = (failure["reason"]?.string ?? "", failure["message"]?.string ?? "")
                let name = claim.at("metadata", "name")?.string ?? ""
                self = .failed("claim \(name) binding failed: reason=\(reason), message=\(GoText.quoted(message))")
                return
            }
            let isReady = wanted.allSatisfy { type in
                told.contains { $0["type"]?.string == type && $0["status"] == "True" }
            }
            guard isReady else {
                let since = allocation?["allocationTimestamp"]?.string.flatMap { Timestamp($0) }
                self = .pending(since.map { now - $0 })
                return
            }
        }
    }

    private static func conditions(of result: Value, in claim: Value) -> [Value] {
        let device = (claim.at("status", "devices")?.array ?? []).first { device in
            ["driver", "pool", "device"].allSatisfy { device[$0] == result[$0] }
        }
        return device?["conditions"]?.array ?? []
    }
}
