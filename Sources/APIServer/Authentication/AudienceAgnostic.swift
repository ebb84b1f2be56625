/// A method whose tokens do not say whom they are for: they are for this server, and for nobody else.
struct AudienceAgnostic: TokenAuthenticator {
    let method: any TokenAuthenticator
    /// Those of this server.
    let audiences: [String]

    func look(_ token: String, for asked: [String]) -> TokenVerdict {
        let common = asked.filter(audiences.contains)
        guard !common.isEmpty else { return .unknown }
        return method.look(token, for: common)
    }

    func ask(_ token: String, for asked: [String]) async -> TokenVerdict {
        let common = asked.filter(audiences.contains)
        guard !common.isEmpty else { return .unknown }
        return await method.ask(token, for: common)
    }
}
