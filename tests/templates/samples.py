"""Invented values for every template: the house that shows that each of them renders, in each of its shapes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from templates import patterns
from templates.views import (
    Correction,
    Material,
    Place,
    PortalColumn,
    PortalEntry,
    PortalFaq,
    PortalFeature,
    PortalFile,
    PortalFilter,
    PortalGroup,
    PortalGuide,
    PortalGuideIndex,
    PortalHome,
    PortalInterpretation,
    PortalItem,
    PortalLink,
    PortalPage,
    PortalPicture,
    PortalPolicy,
    PortalSearch,
    PortalSection,
    PortalSite,
    PortalWithdrawn,
    Post,
    Problem,
    Step,
    WechatAccount,
)

Sample = dict[str, Any]
NOW = datetime(2026, 3, 16, 2, 30, tzinfo=UTC)
PICTURE = PortalPicture("/files/river.svg", "云江两岸的春色", "云江两岸绿道贯通，市民沿江散步。（张蕾 摄）", 1200, 675)

NAV = [
    PortalLink("首页", "/"),
    PortalLink("要闻动态", "/news/"),
    PortalLink("政务公开", "/open/"),
    PortalLink("通知公告", "/notices/"),
    PortalLink("政策文件", "/policies/"),
    PortalLink("政策解读", "/explained/"),
    PortalLink("办事服务", "/guides/"),
    PortalLink("互动交流", "/talk/"),
]


def site(**changes: Any) -> PortalSite:
    """An invented city's portal with every mark in its foot."""
    values: Sample = {
        "name": "云州市人民政府",
        "address": "https://www.yunzhou.example",
        "id_code": "3700009999",
        "sponsor": "云州市人民政府办公室",
        "nav": NAV,
        "operator": "云州市大数据中心",
        "english_name": "The People's Government of Yunzhou",
        "phone": "0530-8800012",
        "postal_address": "云州市江滨路1号",
        "email": "web@yunzhou.example",
        "icp": "云ICP备2026000001号",
        "police": "云公网安备37000002000001号",
        "police_href": "https://beian.mps.gov.cn/",
        "emblem": "/files/emblem.svg",
        "report_href": "/report-error",
        "description": "云州市人民政府门户网站，发布政务信息，提供办事服务，回应公众关切。",
        "keywords": "云州,政府,政务公开,办事服务",
        "friends": [PortalLink("中国政府网", "https://www.gov.cn/", outside=True)],
    }
    return PortalSite(**{**values, **changes})


def column(name: str = "通知公告", href: str = "/notices/", **changes: Any) -> PortalColumn:
    """A column below 政务公开."""
    values: Sample = {
        "description": f"{name}栏目发布云州市人民政府及其部门的{name}。",
        "keywords": f"云州,{name}",
        "kind": name,
        "parents": [PortalLink("政务公开", "/open/")],
        "children": [
            PortalLink("通知公告", "/notices/"),
            PortalLink("政策文件", "/policies/"),
            PortalLink("政策解读", "/explained/"),
            PortalLink("财政预决算", "/budget/"),
        ],
        "rss_href": f"{href}rss.xml",
    }
    return PortalColumn(name, href, **{**values, **changes})


TITLES = (
    "关于调整市区供热结束时间的通知",
    "云州市2026年清明节期间交通管制通告",
    "关于公开征求《云州市电动自行车管理办法（草案）》意见的公告",
    "市人民政府办公室关于做好春季森林防火工作的通知",
    "云州市2025年国民经济和社会发展统计公报",
    "关于江滨路（解放街至和平街段）封闭施工的通告",
    "2026年义务教育阶段学校招生入学工作安排公布",
)


def entries(count: int = 7, prefix: str = "/notices/", **changes: Any) -> list[PortalEntry]:
    """Lines of a list, newest first."""
    return [
        PortalEntry(
            TITLES[number % len(TITLES)],
            f"{prefix}{200 - number}.html",
            NOW - timedelta(days=number, hours=3),
            **changes,
        )
        for number in range(count)
    ]


BODY = (
    "<p>各区县人民政府，市有关部门、单位，市区各供热企业：</p>"
    "<p>根据气象部门预测，3月下旬我市将有一次明显降温过程。为保障群众温暖过冬，经市人民政府同意，现将市区供热结束时间调整事项通知如下。</p>"
    "<h2>一、调整时间</h2><p>市区供热结束时间由2026年3月31日延长至<strong>2026年4月7日</strong>。</p>"
    "<h2>二、费用</h2><p>延长期间不另收取费用，由市财政按实际供热面积给予企业补贴。</p>"
    "<ul><li>居民用户：室温不低于18℃；</li><li>学校、医院：按现行标准执行。</li></ul>"
    "<table><thead><tr><th>区域</th><th>供热企业</th><th>服务电话</th></tr></thead>"
    "<tbody><tr><td>江北区</td><td>云州热力</td><td>0530-8812345</td></tr><tr><td>江南区</td><td>南城热电</td><td>0530-8854321</td></tr></tbody></table>"
)


def item_values(**changes: Any) -> Sample:
    """The fields every kind of piece has."""
    values: Sample = {
        "id": "42",
        "title": TITLES[0],
        "href": "/notices/42.html",
        "column": column(),
        "published_at": NOW,
        "unit": "云州市住房和城乡建设局",
        "source": "云州市住房和城乡建设局",
        "body_html": BODY,
        "editor": "陈立",
        "summary": "市区供热结束时间由3月31日延长至4月7日，延长期间不另收费。",
        "keywords": "供热,延长",
        "files": [PortalFile("供热服务网点一览表.docx", "/files/a1.docx", 48_230)],
        "related": [PortalLink("云州市城市供热条例", "/policies/7.html")],
        "previous": PortalLink(TITLES[1], "/notices/41.html"),
        "following": PortalLink(TITLES[2], "/notices/43.html"),
    }
    return {**values, **changes}


def notice(**changes: Any) -> PortalItem:
    """A notice."""
    return PortalItem(**item_values(**changes))


def policy(**changes: Any) -> PortalPolicy:
    """A policy document in force."""
    values = item_values(
        title="云州市人民政府办公室关于印发《云州市养犬管理办法》的通知",
        href="/policies/7.html",
        column=column("政策文件", "/policies/"),
        index_number="yz01-2026-00042",
        number="云政办发〔2026〕7号",
        signed_on=date(2026, 3, 12),
        validity="有效",
        issuer="云州市人民政府办公室",
        topic="城乡建设、环境保护",
        validity_until=date(2031, 3, 31),
        interpretations=[
            PortalLink("《云州市养犬管理办法》政策解读", "/explained/9.html"),
            PortalLink("一图读懂养犬管理办法", "/explained/10.html"),
        ],
    )
    return PortalPolicy(**{**values, **changes})


def interpretation(**changes: Any) -> PortalInterpretation:
    """An explanation bound to its policy."""
    values = item_values(
        title="《云州市养犬管理办法》政策解读",
        href="/explained/9.html",
        column=column("政策解读", "/explained/"),
        policies=[
            PortalLink(
                "云州市人民政府办公室关于印发《云州市养犬管理办法》的通知",
                "/policies/7.html",
                note="云政办发〔2026〕7号",
            )
        ],
        questions=[
            ("哪些犬只不能饲养？", "<p>烈性犬、大型犬的名录由市公安局公布，名录内的犬只在城区不得饲养。</p>"),
            ("登记要交费吗？", "<p>不收费。登记与免疫可在同一窗口办理。</p>"),
        ],
    )
    return PortalInterpretation(**{**values, **changes})


def guide(**changes: Any) -> PortalGuide:
    """A guide with every element filled."""
    values = item_values(
        title="居住证申领",
        href="/guides/jzz.html",
        column=column("办事指南", "/guides/", parents=[PortalLink("办事服务", "/guides/")], children=[]),
        body_html="<p>在我市居住半年以上，符合有合法稳定就业、合法稳定住所、连续就读条件之一的，可以申领居住证。</p>",
        files=[],
        audience="自然人",
        body_responsible="云州市公安局",
        case_type="承诺件",
        legal_basis=["《居住证暂行条例》（国务院令第663号）第二条", "《云州市居住证管理办法》第五条"],
        conditions=["在本市居住半年以上；", "有合法稳定就业、合法稳定住所、连续就读条件之一。"],
        materials=[
            Material("居民身份证", "公安机关核发", "原件", 1, "必要", "证件证书"),
            Material(
                "居住证申领表",
                "窗口领取或下载",
                "纸质或电子",
                1,
                "必要",
                "申请表格",
                "A4",
                PortalFile("居住证申领表.docx", "/files/b.docx", 20_480),
                PortalFile("居住证申领表（样表）.pdf", "/files/c.pdf", 182_000),
            ),
            Material(
                "居住地住址、就业或就读证明",
                "申请人自备",
                "复印件",
                1,
                "必要",
                "证明",
                note="三者提供其一；可网上核验的免提交。",
            ),
        ],
        steps=[
            Step("受理", "窗口或网上提交材料，齐全的当场受理。", "当场", "派出所户籍窗口"),
            Step("审核", "核对居住登记与证明材料。", "2 个工作日"),
            Step("审批", "", "1 个工作日"),
            Step("办结", "制证。", "2 个工作日"),
            Step("送达", "窗口领取，或选择邮寄。"),
        ],
        statutory_limit="15 个工作日",
        promised_limit="5 个工作日",
        fee="不收费",
        places=[
            Place(
                "云州市政务服务中心",
                "云州市江滨路66号",
                "工作日 09:00–12:00，13:30–17:00",
                "0530-8811001",
                "C12、C13 窗口",
                "乘 7 路、19 路公交至政务中心站",
            ),
            Place("江北区公安分局户政大厅", "江北区解放街18号", "工作日 09:00–17:00", "0530-8811002"),
        ],
        consult_phone="0530-8811001",
        complaint_phone="0530-12345",
        task_code="11370000MB2858XXXX4370109001001",
        task_type="行政确认",
        body_kind="法定机关",
        level="市级",
        theme="户籍办理",
        handling="窗口办理、网上办理",
        visits="0 次",
        online_href="https://zwfw.yunzhou.example/jzz",
        online_depth="全程网办（Ⅳ级）",
        result_name="居住证",
        result_kind="出证",
        result_sample=PortalFile("居住证样本.png", "/files/d.png"),
        booking="支持",
        express="支持",
        province_wide="全市通办",
        review_body="云州市人民政府，江滨路1号，0530-8800015",
        lawsuit_body="云州市江北区人民法院，和平街9号",
        questions=[("居住登记和居住证是一回事吗？", "<p>不是。先办居住登记，满半年后再申领居住证。</p>")],
    )
    return PortalGuide(**{**values, **changes})


def faq(**changes: Any) -> PortalFaq:
    """A question with its answer and the guide that tells the whole."""
    values = item_values(
        title="办居住证要多少天？",
        href="/faq/3.html",
        column=column("常见问题", "/faq/", children=[]),
        body_html="<p>材料齐全的，自受理之日起 <strong>5 个工作日</strong>内办结，不收费。</p>",
        theme="户籍办理",
        audience="个人",
        guide=PortalLink("居住证申领", "/guides/jzz.html"),
        files=[],
    )
    return PortalFaq(**{**values, **changes})


def home(**changes: Any) -> PortalHome:
    """A full home page."""
    links = (
        "居住证申领",
        "新生儿入户",
        "医保参保登记",
        "公积金提取",
        "入学报名",
        "老年优待证",
        "不动产查询",
        "婚姻登记预约",
    )
    firms = (
        "企业设立登记",
        "食品经营许可",
        "施工许可",
        "稳岗返还",
        "纳税信用查询",
        "印章刻制备案",
        "招用工登记",
        "注销一网办",
    )
    values: Sample = {
        "lead": PortalEntry(
            "云州市政府工作报告：今年办好十件民生实事",
            "/news/1.html",
            NOW,
            "新建改建公园绿地60处、新增公办幼儿园学位5400个、改造老旧小区112个……",
            picture=PICTURE,
        ),
        "pictures": entries(4, "/news/", picture=PICTURE),
        "news": entries(7, "/news/"),
        "news_href": "/news/",
        "notices": entries(6),
        "notices_href": "/notices/",
        "policies": entries(6, "/policies/"),
        "policies_href": "/policies/",
        "interpretations": entries(6, "/explained/"),
        "interpretations_href": "/explained/",
        "personal": [PortalLink(label, f"/guides/p{n}.html") for n, label in enumerate(links)],
        "legal": [PortalLink(label, f"/guides/l{n}.html") for n, label in enumerate(firms)],
        "guides_href": "/guides/",
        "interaction": [
            PortalLink("我要咨询", "/talk/ask", note="5 个工作日内答复"),
            PortalLink("投诉建议", "/talk/complain", note="全程可查进度"),
            PortalLink("征集调查", "/talk/surveys/", note="2 项正在征集"),
            PortalLink("留言选登", "/talk/letters/", note="看看大家问了什么"),
        ],
        "specials": [
            PortalLink("优化营商环境", "/special/business/"),
            PortalLink("政府信息公开年报", "/special/annual/"),
        ],
        "faqs": [
            PortalLink(label, "/faq/1.html")
            for label in (
                "办居住证要多少天？",
                "新生儿医保怎么办？",
                "公积金能提取还房贷吗？",
                "供热什么时候结束？",
                "外地户口怎么上学？",
            )
        ],
        "faqs_href": "/faq/",
    }
    return PortalHome(**{**values, **changes})


def guide_index() -> PortalGuideIndex:
    """Guides in all three orders."""
    links = [
        PortalLink("居住证申领", "/guides/jzz.html"),
        PortalLink("户口迁移", "/guides/hkqy.html"),
        PortalLink("身份证换领", "/guides/sfz.html"),
    ]
    return PortalGuideIndex(
        column("办事指南", "/guides/", parents=[], children=[]),
        [PortalGroup(label, links, "user") for label in ("户籍办理", "生育收养", "社会保障", "教育科研")],
        [PortalGroup(label, links, "building") for label in ("设立变更", "准营准办", "税收财务")],
        [PortalGroup(label, links, "people") for label in ("市公安局", "市人力资源和社会保障局", "市住房和城乡建设局")],
        [PortalLink("办居住证要多少天？", "/faq/3.html")],
        "/faq/",
        214,
    )


def feature() -> PortalFeature:
    """A feature of two sections, the last without a name."""
    return PortalFeature(
        **item_values(picture=PICTURE),
        standfirst="一场为老年人办的实事。",
        sections=[PortalSection("政策", entries(3)), PortalSection("", entries(1))],
    )


CORRECTIONS = [Correction(NOW, ["标题", "正文"]), Correction(NOW, ["附件"])]
ACCOUNT = WechatAccount(
    "云州发布",
    "云州市人民政府办公室",
    "点击上方蓝字关注“云州发布”",
    "云州市人民政府办公室主办",
    "www.yunzhou.example",
    "12345",
    credits=[("编辑", "陈立"), ("校对", "李文"), ("审核", "王敏"), ("签发", "孙国华")],
)
POST = Post(
    "市区供热延长至4月7日",
    "因近期气温偏低，市区供热结束时间由3月31日延长至4月7日，延长期间不另收费。",
    "https://www.yunzhou.example/notices/42.html",
    "云州发布",
    id="42",
    kind="notice",
)
LOGIN: Sample = {
    "csrf": "t",
    "error": "",
    "login": "",
    "next": "/console",
    "notice": "",
    "ask_code": False,
    "language_href": "/login?language=en",
}
PROBLEM = Problem(
    404,
    "找不到这个页面",
    "它可能已被移动，或者不属于您所在的单位。",
    "请检查地址，或回到工作台。",
    "/console",
    "回到工作台",
    "a1b2c3",
)

CONSOLE: dict[str, list[Sample]] = {
    "pages/patterns.html": [patterns.context()],
    "pages/login.html": [
        LOGIN,
        {
            **LOGIN,
            "error": "账号或密码不对，还可以再试 4 次。",
            "login": "lin",
            "ask_code": True,
            "notice": "今晚 22:00–23:00 维护。",
        },
    ],
    "pages/error.html": [{"problem": PROBLEM}, {"problem": Problem(500, "系统出了问题")}],
    "pages/error_inside.html": [
        {
            "problem": PROBLEM,
            "shell": patterns.shell(rehearsal=True, frozen=True, frozen_reason="国家公祭日。", grey=True),
        }
    ],
    "pages/approval_form.html": [
        {"shell": patterns.shell("待我审签"), "form": patterns.approval_form(), "back_href": "/console/review"}
    ],
}


def _article_words() -> dict[str, Any]:
    shown = notice(files=[])
    names = ("id", "title", "href", "column", "published_at", "unit", "source", "summary")
    return {name: getattr(shown, name) for name in names}


SEARCH_FILTERS = [
    PortalFilter("column", "栏目", [("1", "办事指南（12）"), ("2", "政策文件（9）")], "1"),
    PortalFilter("unit", "部门", [("3", "云州市公安局（7）"), ("4", "云州市人力资源和社会保障局（2）")]),
    PortalFilter("time", "时间", [("week", "一周内"), ("month", "一月内"), ("year", "一年内")]),
]
PORTAL: dict[str, list[Sample]] = {
    "outbound/portal/home.html": [
        {"site": site(), "home": home()},
        {
            "site": site(
                grey=True,
                notice="台风橙色预警：今日18时起停课停业",
                notice_href="/notices/1.html",
                logo="/files/emblem.svg",
            ),
            "home": home(
                lead=PortalEntry(TITLES[4], "/news/1.html", NOW), pictures=[], faqs=[], specials=[], interaction=[]
            ),
        },
        {"site": site(chat_href="/chat", beacon=False, friends=[]), "home": home(lead=None)},
    ],
    "outbound/portal/feature.html": [
        {
            "site": site(),
            "item": feature(),
        },
        {"site": site(), "item": PortalFeature(**_article_words())},
    ],
    "outbound/portal/open_data.html": [
        {"site": site(), "groups": [PortalGroup("通知公告", [PortalLink("JSON", "/data/notices-1.json")])]}
    ],
    "outbound/portal/audio.html": [
        {"site": site(), "item": notice(video="/files/a.mp3", transcript_html="<p>各位听众。</p>")},
        {"site": site(), "item": notice()},
    ],
    "outbound/portal/column.html": [
        {
            "site": site(),
            "column": column(),
            "page": PortalPage(
                [PortalEntry("关于调整市区供热结束时间的通知", "/n/1.html", NOW, mark="置顶"), *entries(19)],
                6,
                [f"/notices/{n}.html" for n in range(1, 13)],
                233,
                [PortalLink("2025 年", "/notices/2025/"), PortalLink("2024 年", "/notices/2024/")],
            ),
        },
        {
            "site": site(),
            "column": column(children=[], parents=[]),
            "page": PortalPage([], older_href="/notices/page-3.html"),
        },
        {
            "site": site(),
            "column": column("政策文件", "/policies/"),
            "page": PortalPage(
                entries(5, "/policies/", number="云政办发〔2026〕7号", summary="印发养犬管理办法。", mark="废止"),
                hrefs=["/policies/"],
                total=5,
            ),
        },
    ],
    "outbound/portal/notice.html": [
        {"site": site(), "item": notice(corrections=CORRECTIONS)},
        {
            "site": site(),
            "item": notice(expires_at=NOW - timedelta(days=800), related=[], previous=None, following=None),
        },
    ],
    "outbound/portal/news.html": [
        {
            "site": site(),
            "item": notice(picture=PICTURE, author="张蕾", source="新华社", original=False),
        }
    ],
    "outbound/portal/gallery.html": [{"site": site(), "item": notice(pictures=[PICTURE, PICTURE])}],
    "outbound/portal/video.html": [
        {
            "site": site(),
            "item": notice(
                video="/files/a.mp4",
                captions="/files/a.vtt",
                picture=PICTURE,
                transcript_html="<p>大家好。</p>",
                files=[],
            ),
        },
        {"site": site(), "item": notice(video="/files/a.mp4", transcript_html="<p>大家好。</p>")},
    ],
    "outbound/portal/policy.html": [
        {"site": site(), "item": policy()},
        {
            "site": site(),
            "item": policy(
                validity="废止", validity_note="已被云政办发〔2028〕3号废止。", validity_until=None, signed_on=None
            ),
        },
    ],
    "outbound/portal/interpretation.html": [
        {"site": site(), "item": interpretation(pictures=[PICTURE])},
        {"site": site(), "item": interpretation(policies=[], questions=[])},
    ],
    "outbound/portal/guide.html": [
        {"site": site(), "item": guide(corrections=CORRECTIONS)},
        {
            "site": site(),
            "item": guide(
                materials=[],
                steps=[],
                places=[],
                questions=[],
                legal_basis=[],
                conditions=["无"],
                visits="",
                online_href="",
                result_sample=None,
                body_html="",
                facts=[("办理机构", "户政大队")],
            ),
        },
    ],
    "outbound/portal/faq.html": [
        {"site": site(), "item": faq()},
        {"site": site(), "item": faq(guide=None, theme="", audience="")},
    ],
    "outbound/portal/guides_index.html": [{"site": site(), "index": guide_index()}],
    "outbound/portal/search.html": [
        {
            "site": site(),
            "search": PortalSearch(
                "居住证",
                entries(5, summary_html="申领<mark>居住证</mark>需要……", column="办事指南", source="市公安局"),
                48,
                [
                    PortalLink("全部", "#", current=True, note="48"),
                    PortalLink("办事", "#", note="12"),
                    PortalLink("政策", "#", note="9"),
                ],
                2,
                "/search?q=1",
                "/search?q=3",
                [PortalLink("居住登记", "/search?q=居住登记")],
                0.04,
                SEARCH_FILTERS,
                "guide",
            ),
        },
        {"site": site(), "search": PortalSearch("居住证", [], 0, filters=SEARCH_FILTERS)},
        {"site": site(), "search": PortalSearch("不存在的词", [], 0)},
        {"site": site(), "search": PortalSearch("", [], 0)},
    ],
    "outbound/portal/withdrawn.html": [
        {
            "site": site(),
            "page": PortalWithdrawn(
                "关于停水的通知",
                "该内容因信息有误已撤下，请以新发布的通知为准。",
                NOW,
                "市水务局",
            ),
        },
        {"site": site(), "page": PortalWithdrawn("", "该内容已撤下。", NOW)},
    ],
    "outbound/portal/moved.html": [{"site": site(), "title": "停水通知", "href": "/bulletins/12.html"}],
    "outbound/portal/not_found.html": [{"site": site()}],
    "outbound/portal/push.html": [
        {
            "site": site(),
            "columns": [("notices", "通知公告"), ("policies", "政策文件")],
            "districts": ["临江区", "青石区"],
            "words": "本站只保存浏览器给出的推送地址与所选主题。",
            "version": "2026-11",
        }
    ],
    "outbound/portal/site_map.html": [
        {
            "site": site(),
            "groups": [PortalGroup("政务公开", [PortalLink("通知公告", "/notices/")]), PortalGroup("办事服务", [])],
        }
    ],
}
FEEDS: dict[str, list[Sample]] = {
    "outbound/portal/rss.xml": [
        {
            "site": site(),
            "title": "云州市人民政府",
            "href": "/",
            "self_href": "/rss.xml",
            "entries": entries(3, summary="A & B", column="要闻"),
        },
        {"site": site(), "title": "空", "href": "/x/", "self_href": "/x/rss.xml", "entries": []},
    ],
    "outbound/portal/atom.xml": [
        {
            "site": site(),
            "title": "云州市人民政府",
            "href": "/",
            "self_href": "/atom.xml",
            "entries": entries(3, summary="A & B", column="要闻"),
        },
        {"site": site(), "title": "空", "href": "/x/", "self_href": "/x/atom.xml", "entries": []},
    ],
    "outbound/portal/sitemap_index.xml": [{"site": site(), "blocks": ["/sitemap/notices-1.xml"]}],
    "outbound/portal/sitemap.xml": [{"site": site(), "pages": [("/", NOW), ("/search?a=1&b=2", NOW)]}],
}
BARE_ACCOUNT = WechatAccount("云州发布", "云州市人民政府办公室")
WECHAT: dict[str, list[Sample]] = {
    "outbound/wechat/default.html": [
        {"item": notice(pictures=[PICTURE]), "account": ACCOUNT},
        {"item": notice(files=[], editor="", body_html=""), "account": BARE_ACCOUNT},
    ],
    "outbound/wechat/gallery.html": [
        {"item": notice(pictures=[PICTURE]), "account": ACCOUNT},
        {"item": notice(pictures=[PICTURE]), "account": replace(ACCOUNT, picture_message=True)},
    ],
    "outbound/wechat/news.html": [{"item": notice(), "account": ACCOUNT}],
    "outbound/wechat/notice.html": [
        {"item": notice(), "account": ACCOUNT},
        {"item": notice(), "account": replace(BARE_ACCOUNT, qr=PortalPicture("/files/qr.svg", "云州发布二维码"))},
    ],
    "outbound/wechat/policy.html": [
        {"item": policy(), "account": ACCOUNT},
        {"item": policy(interpretations=[], signed_on=None), "account": BARE_ACCOUNT},
    ],
    "outbound/wechat/interpretation.html": [{"item": interpretation(pictures=[PICTURE]), "account": ACCOUNT}],
    "outbound/wechat/guide.html": [
        {"item": guide(), "account": ACCOUNT},
        {"item": guide(conditions=[], materials=[], steps=[], places=[], online_href=""), "account": BARE_ACCOUNT},
    ],
    "outbound/wechat/video.html": [
        {"item": notice(video="/files/1/片.mp4", transcript_html="<p>第一句。</p>"), "account": ACCOUNT},
        {"item": notice(body_html="", files=[], transcript_html="<p>第一句。</p>"), "account": BARE_ACCOUNT},
    ],
    "outbound/wechat/audio.html": [
        {"item": notice(video="/files/1/声.mp3", transcript_html="<p>第一句。</p>"), "account": ACCOUNT},
    ],
    "outbound/wechat/feature.html": [{"item": feature(), "account": ACCOUNT}],
    "outbound/wechat/faq.html": [
        {"item": faq(), "account": ACCOUNT},
        {"item": faq(guide=None), "account": BARE_ACCOUNT},
    ],
}
STANDING = {
    "number": "20260302-ABC234", "kind": "投诉", "unit": "市水务局", "label": "待答复", "due": NOW, "answer": "",
    "contact": "138****8000", "address": "https://www.yunzhou.example/mine", "hotline": "12345",
}  # fmt: skip
TEXTS: dict[str, list[Sample]] = {
    "outbound/text.txt": [{"post": POST}],
    "outbound/weibo/default.txt": [{"post": POST}],
    "outbound/jpush/default.txt": [{"post": POST}],
    "outbound/web_push/default.txt": [{"post": POST}],
    "replies/greeting.txt": [{"office": "云州市人民政府", "hotline": "12345"}],
    "replies/unsure.txt": [{"choices": ["居住证怎么办？", "居住登记怎么办？"]}],
    "replies/no_answer.txt": [
        {"found": [("居住证申领", "居住满六个月的，可以申领。", "https://www.yunzhou.example/g/1.html")]},
        {"found": [("居住证申领", "", "")]},
        {"found": []},
    ],
    "replies/word.txt": [{"word": "提交"}],
    "replies/report.txt": [
        {
            "part": part,
            "values": {"kind": "投诉", "slots": [("地点", "人民路 1 号")], "lost": part == "place"},
            "choices": ["提交"],
        }
        for part in (
            "what",
            "district",
            "place",
            "when",
            "contact",
            "edit",
            "confirm",
            "filing",
            "dropped",
            "abandoned",
        )
    ],
    "replies/progress.txt": [
        {"part": part, "values": {**STANDING, "first": part == "number"}, "choices": []}
        for part in ("number", "phone", "code", "often", "wrong", "standing", "elsewhere", "dropped", "abandoned")
    ],
    "replies/handoff.txt": [
        {"ahead": ahead, "expected": expected, "longest": 30, "hotline": "12345"}
        for ahead, expected in ((3, 10), (0, 0), (9, 31))
    ],
    "replies/returned.txt": [
        {"ahead": ahead, "expected": expected, "longest": 30, "hotline": "12345"}
        for ahead, expected in ((3, 10), (0, 0), (9, 31))
    ],
    "replies/forwarded.txt": [
        {"unit": "住房公积金中心", "ahead": ahead, "expected": expected, "longest": 30, "hotline": "12345"}
        for ahead, expected in ((3, 10), (0, 0), (9, 31))
    ],
    "replies/still_waiting.txt": [
        {"ahead": ahead, "expected": expected, "longest": 30, "hotline": "12345"}
        for ahead, expected in ((3, 10), (0, 0), (9, 31))
    ],
    "replies/silent.txt": [{"minutes": 5}],
    "replies/stays.txt": [{}],
    "replies/window_ends.txt": [{"until": NOW}],
    "replies/passed.txt": [{"agent": "016"}],
    "replies/connected.txt": [{"agent": "016"}],
    "replies/out_of_hours.txt": [
        {"hours": "工作日 9:00–17:00", "hotline": "12345", "ticket": "2026031600012"},
        {"hours": "工作日 9:00–17:00", "hotline": "12345", "ticket": ""},
    ],
    "replies/bot_down.txt": [{"expected": expected, "longest": 30, "hotline": "12345"} for expected in (0, 5, 31)],
    "replies/urgent.txt": [{}],
    "replies/passed_on.txt": [{}],
    "replies/listing.txt": [
        {"heading": "办事指南", "found": [("居住证申领", "https://www.yunzhou.example/g/1.html")]},
        {"heading": "办事指南", "found": []},
    ],
    "replies/left_nothing.txt": [{}],
    "replies/menu_gone.txt": [{}],
    "replies/rating.txt": [{"service": ""}, {"service": "居民身份证补领"}],
    "replies/rated.txt": [{"low": True}, {"low": False}],
    "replies/ticket.txt": [
        {"number": "2026031600012", "kind": "咨询", "unit": "市公安局", "due": NOW},
        {"number": "2026031600013", "kind": "投诉", "unit": "市水务局", "due": None},
    ],
    "replies/place.txt": [
        {"part": "district", "values": {"miss": miss}, "choices": ["海州区", "青山县", "全部列出"]}
        for miss in (False, True)
    ]
    + [{"part": "dropped", "values": {}, "choices": []}],
    "replies/ticket_kind.txt": [{"number": "2026031600012", "kind": "建议", "due": NOW}],
    "replies/ticket_extended.txt": [{"number": "2026031600012", "unit": "市公安局", "due": NOW}],
    "replies/ticket_answered.txt": [{"number": "2026031600012", "unit": "市公安局", "answer": "已于昨日修复。"}],
    "replies/closed.txt": [{}],
    "replies/answer.txt": [
        {"text": "请到派出所补领。", "sources": [("补领身份证", "https://www.yunzhou.example/g/1.html")]},
        {"text": "请到派出所补领。", "sources": []},
    ],
    "replies/not_words.txt": [{}],
    "replies/heard.txt": [{"text": "身份证丢了怎么办"}],
    "replies/bot_note.txt": [{}],
    "replies/back_to_report.txt": [{}],
    "replies/flood.txt": [{"hotline": "12345"}],
    "replies/shift.txt": [{}],
    "replies/ticket_sms.txt": [
        {"number": "2026031600012", "unit": "市公安局", "address": "https://www.yunzhou.example/mine"}
    ],
    "replies/turn.txt": [{"turn": "thanks"}, {"turn": "goodbye"}, {"turn": "dissatisfied"}],
}
SAMPLES: dict[str, list[Sample]] = {**CONSOLE, **PORTAL, **FEEDS, **WECHAT, **TEXTS}
