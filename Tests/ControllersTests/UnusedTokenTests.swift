import API
import APIMachinery
import APIServer
import Client
import Support
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(1))) struct UnusedTokenTests {
    private static let day: Int64 = 86_400

    /// A Secret that was made on the day 100, of the account `robot`.
    private static func secret(_ labels: [String: String] = [:]) -> Secret {
        var secret = Secret(namespace: "default", name: "s")
        secret.type = AccountTokenSecret.type
        secret.metadata.annotations = [AccountTokenSecret.account: "robot"]
        secret.metadata.labels = labels
        secret.metadata.creationTimestamp = Timestamp(seconds: 100 * day)
        return secret
    }

    private static func account(_ names: [String] = ["s"]) -> ServiceAccount {
        var account = ServiceAccount(namespace: "default", name: "robot")
        account.value["secrets"] = .array(names.map { ["name": .string($0)] })
        return account
    }

    /// On a day, where tokens are given ten.
    private static func action(
        _ labels: [String: String] = [:], on today: Int64, account: ServiceAccount? = account(), isMounted: Bool = false,
        since: Int64? = 100
    ) -> UnusedTokenDecision.Action {
        UnusedTokenDecision(
            secret: secret(labels), account: account, isMounted: isMounted,
            trackedSince: since.map { Timestamp(seconds: $0 * day) }, period: .seconds(10 * day),
            now: Timestamp(seconds: today * day)
        ).action
    }

    private static func label(_ day: Int64) -> String { AccountTokenSecret.day(of: Timestamp(seconds: day * Self.day)) }

    @Test func `what nobody uses is marked, and goes as long after that`() {
        let (used, marked) = (AccountTokenSecret.lastUsed, AccountTokenSecret.invalidSince)
        #expect(Self.action(on: 111) == .mark(Self.label(111)))
        #expect(Self.action(on: 108) == .wait(.seconds(3 * Self.day)), "use is noted from the next midnight on")
        #expect(Self.action(on: 111, since: 104) == .wait(.seconds(4 * Self.day)))
        #expect(Self.action(on: 111, since: nil) == .keep)
        #expect(Self.action([used: Self.label(105)], on: 111) == .wait(.seconds(5 * Self.day)))
        #expect(Self.action([used: Self.label(105)], on: 116) == .mark(Self.label(116)))
        #expect(Self.action([used: "yesterday"], on: 500) == .keep)
        #expect(Self.action(on: 111, isMounted: true) == .wait(.seconds(Self.day)))
        #expect(Self.action([marked: "yesterday"], on: 111) == .mark(Self.label(111)))
        #expect(Self.action([marked: Self.label(111)], on: 115) == .wait(.seconds(7 * Self.day)))
        #expect(Self.action([marked: Self.label(111)], on: 122) == .remove)
    }

    @Test func `what somebody made himself stays`() {
        #expect(Self.action(on: 500, account: Self.account([])) == .keep)
        #expect(Self.action(on: 500, account: nil) == .keep)
    }

    @Test func `a token of old is marked by an account that may do no more`() async throws {
        try await withServer { server in
            let admin = server.client()
            try await admin.create(Self.account())
            var map = try await admin.get(ConfigMap.self, AccountTokenSecret.tracking)
            #expect(AccountTokenSecret.day(map.data[AccountTokenSecret.trackedSince] ?? "") != nil)
            map.data[AccountTokenSecret.trackedSince] = "2020-01-01"
            try await admin.update(map)
            let secret = try await admin.create(Self.secret())
            let client = server.controllerClient("legacy-service-account-token-cleaner")
            let later = Timestamp.now + .seconds(400 * Self.day)
            try await running([UnusedTokens()], on: client, now: { later }) {
                try await wait(for: Secret.self, secret.objectName, admin) {
                    $0?.metadata.labels[AccountTokenSecret.invalidSince] == AccountTokenSecret.day(of: later)
                }
                let mark: Value = [AccountTokenSecret.invalidSince: "2020-01-01"]
                try await admin.patch(
                    Secret.self, secret.objectName, .merge(["metadata": ["labels": mark]]))
                try await wait(for: Secret.self, secret.objectName, admin) { $0 == nil }
            }
        }
    }
}
