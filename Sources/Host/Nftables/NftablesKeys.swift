import CLinux

// The attributes of nf_tables, by the kernel's own names.
extension nf_tables_msg_types: NetlinkKey {}
extension nft_list_attributes: NetlinkKey {}
extension nft_table_attributes: NetlinkKey {}
extension nft_chain_attributes: NetlinkKey {}
extension nft_hook_attributes: NetlinkKey {}
extension nft_rule_attributes: NetlinkKey {}
extension nft_set_attributes: NetlinkKey {}
extension nft_set_desc_attributes: NetlinkKey {}
extension nft_set_field_attributes: NetlinkKey {}
extension nft_set_elem_attributes: NetlinkKey {}
extension nft_set_elem_list_attributes: NetlinkKey {}
extension nft_data_attributes: NetlinkKey {}
extension nft_verdict_attributes: NetlinkKey {}
extension nft_gen_attributes: NetlinkKey {}

// Those of its expressions.
extension nft_expr_attributes: NetlinkKey {}
extension nft_payload_attributes: NetlinkKey {}
extension nft_meta_attributes: NetlinkKey {}
extension nft_ct_attributes: NetlinkKey {}
extension nft_fib_attributes: NetlinkKey {}
extension nft_ng_attributes: NetlinkKey {}
extension nft_immediate_attributes: NetlinkKey {}
extension nft_cmp_attributes: NetlinkKey {}
extension nft_range_attributes: NetlinkKey {}
extension nft_bitwise_attributes: NetlinkKey {}
extension nft_lookup_attributes: NetlinkKey {}
extension nft_nat_attributes: NetlinkKey {}
extension nft_masq_attributes: NetlinkKey {}
extension nft_redir_attributes: NetlinkKey {}
extension nft_counter_attributes: NetlinkKey {}
extension nft_dynset_attributes: NetlinkKey {}
extension nft_reject_attributes: NetlinkKey {}
extension nft_log_attributes: NetlinkKey {}
