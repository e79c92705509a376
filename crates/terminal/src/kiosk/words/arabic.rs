//! Arabic.

use super::{
    Account, AmountWords, Balance, Choose, Closed, Deposit, Done, Frame, Menu, Pin, Services, Sorry, Statement, Take,
    Transfer, Wait, Welcome, Why, Words,
};

/// How a noun stands beside a number.
enum Plural {
    Zero,
    One,
    Two,
    /// 3 to 10, and numbers that end so.
    Few,
    /// 11 to 99, and numbers that end so.
    Many,
    Other,
}

const fn plural(number: u32) -> Plural {
    match (number, number % 100) {
        (0, _) => Plural::Zero,
        (1, _) => Plural::One,
        (2, _) => Plural::Two,
        (_, 3..=10) => Plural::Few,
        (_, 11..=99) => Plural::Many,
        (_, _) => Plural::Other,
    }
}

pub(super) static WORDS: Words = Words {
    frame: Frame {
        machine: |id| format!("الجهاز {id}"),
        tools: "وسائل القراءة",
        choices: "الخيارات",
        figures: "مفاتيح الأرقام",
        speech: "النطق",
        speech_is_on: "النطق يعمل. اختر بمفاتيح الأرقام.",
        speech_is_off: "النطق متوقف.",
        no_voice: "لا يوجد هنا صوت بالعربية. اقرأ النص على الشاشة.",
        dark: "تعتيم الشاشة",
        light: "إظهار الشاشة",
        dark_hint: "الشاشة معتمة كي لا يقرأها أحد. جميع المفاتيح ما زالت تعمل.",
        cut_title: "يرجى الانتظار: قد لا تكون هذه الشاشة محدّثة",
        cut_text: "لا يمكن الاعتماد الآن على ما كان معروضًا، والمفاتيح متوقفة. تعود الشاشة تلقائيًا. حسابك بأمان.",
        stale: "تغيّرت الشاشة قبل اختيارك. لم يُنفَّذ شيء. يرجى الاختيار مرة أخرى.",
        back: "رجوع",
        cancel: "إلغاء واسترداد البطاقة",
        clear: "مسح",
        enter: "إدخال",
        press: |key, line| format!("{line}: اضغط {key}."),
        press_cancel: "للإلغاء واسترداد البطاقة: اضغط مفتاح الخروج.",
        reference: |reference| format!("الرقم المرجعي: {reference}"),
    },
    services: Services {
        withdrawal: "السحب النقدي",
        deposit: "الإيداع",
        transfer: "التحويل",
        balance: "الرصيد",
        statement: "آخر العمليات",
        pin_change: "تغيير الرقم السري",
        receipt: "الإيصالات",
    },
    welcome: Welcome {
        title: "يرجى إدخال بطاقتك",
        unavailable: |list| format!("غير متاح اليوم: {list}"),
        language: "يرجى اختيار لغتك",
    },
    pin: Pin {
        begin: "يرجى إدخال رقمك السري",
        current: "يرجى إدخال رقمك السري الحالي",
        new: "يرجى إدخال رقمك السري الجديد",
        repeat: "يرجى إدخال رقمك السري الجديد مرة أخرى",
        hint: "استخدم لوحة الرقم السري وغطّها بيدك، ثم اضغط «إدخال» عليها.",
        digits: |digits| match plural(u32::from(digits)) {
            Plural::Zero => "لم يُدخَل أي رقم بعد".to_owned(),
            Plural::One => "أُدخِل رقم واحد".to_owned(),
            Plural::Two => "أُدخِل رقمان".to_owned(),
            Plural::Few => format!("أُدخِلت {digits} أرقام"),
            Plural::Many => format!("أُدخِل {digits} رقمًا"),
            Plural::Other => format!("أُدخِل {digits} رقم"),
        },
        wrong: "الرقم السري غير صحيح. يرجى المحاولة مرة أخرى.",
        too_short: "يتكوّن الرقم السري من 4 أرقام على الأقل. يرجى المحاولة مرة أخرى.",
        different: "الرقمان السريان الجديدان مختلفان. يرجى اختيار رقمك السري الجديد مرة أخرى.",
    },
    menu: Menu {
        title: "ماذا تود أن تفعل؟",
        hello: |name| format!("مرحبًا، \u{2068}{name}\u{2069}"),
        unavailable: |list| format!("غير متاح الآن: {list}"),
        fast_cash: "سحب سريع",
        withdrawal: "سحب مبلغ آخر",
        deposit: "إيداع أوراق نقدية",
        transfer: "تحويل الأموال",
        balance: "رصيد الحساب",
        statement: "آخر العمليات",
        pin_change: "تغيير الرقم السري",
        transfer_refused: |[amount, account, date, why]| {
            format!("لم يُنفَّذ تحويلك بمبلغ {amount} إلى الحساب {account} المطلوب في {date}. لم يُخصم من حسابك شيء. {why}")
        },
    },
    account: Account {
        withdrawal: "من أي حساب تريد السحب؟",
        deposit: "في أي حساب تودع؟",
        transfer_from: "من أي حساب ترسل المال؟",
        transfer_to: "إلى أي حساب ترسل المال؟",
        balance: "رصيد أي حساب؟",
        statement: "عمليات أي حساب؟",
        checking: "الحساب الجاري",
        savings: "حساب التوفير",
        other: "حساب آخر، بالرقم",
    },
    amount: AmountWords {
        fast_cash: "كم من النقد تريد؟",
        typed: "كم من النقد تريد؟",
        transfer: "كم تريد أن ترسل؟",
        label: "المبلغ",
        hint: "اكتب المبلغ ثم اضغط «إدخال».",
        other: "مبلغ آخر",
        not_dispensable: "لا يمكن صرف هذا المبلغ بالضبط من الأوراق النقدية في هذا الجهاز.",
        nearest: "اختر أحد المبالغ المعروضة أو اكتب مبلغًا آخر.",
        over_offline_limit: |limit| format!("يستطيع هذا الجهاز أن يصرف لك الآن {limit} على الأكثر."),
        nothing_now: "لا يستطيع هذا الجهاز صرف النقد لك الآن. لم يُخصم من حسابك شيء.",
    },
    transfer: Transfer {
        target: "إلى أي رقم حساب؟",
        label: "رقم الحساب",
        hint: "اكتب الرقم ثم اضغط «إدخال».",
        not_an_account: "هذا ليس رقم حساب. يرجى التحقق منه وكتابته مرة أخرى.",
        confirm: "هل هذا صحيح؟",
        from: "من",
        to: "إلى",
        now: "يُحوَّل المال فورًا.",
        later: "ينفّذ مصرفك هذا التحويل في أقرب وقت. إذا رُفض فلن يُخصم شيء، وسيتم إعلامك في زيارتك القادمة.",
        yes: "نعم، أرسل",
        no: "لا، رجوع",
    },
    receipt: Choose {
        title: "هل تريد إيصالًا؟",
        text: "يظهر عليه المبلغ والرقم المرجعي.",
        yes: "نعم، اطبع إيصالًا",
        no: "بدون إيصال",
    },
    deposit: Deposit {
        insert: "يرجى إدخال أوراقك النقدية",
        hint: "ضعها في فتحة الإيداع دون مشابك أو أربطة. سترى العدّ قبل تسجيل أي شيء.",
        so_far: "المعدود حتى الآن",
        ready: "هذا كل شيء",
        refused: |notes| match plural(notes) {
            Plural::Zero => "تم التعرّف على جميع الأوراق.".to_owned(),
            Plural::One => "لم يتم التعرّف على ورقة واحدة. يرجى استعادتها من الفتحة.".to_owned(),
            Plural::Two => "لم يتم التعرّف على ورقتين. يرجى استعادتهما من الفتحة.".to_owned(),
            Plural::Few => format!("لم يتم التعرّف على {notes} أوراق. يرجى استعادتها من الفتحة."),
            Plural::Many | Plural::Other => format!("لم يتم التعرّف على {notes} ورقة. يرجى استعادتها من الفتحة."),
        },
        counted: "قمنا بعدّ أوراقك النقدية",
        notes: "الأوراق",
        total: "المجموع",
        now: "إذا تابعت، يُضاف المبلغ إلى حسابك فورًا.",
        later: "إذا تابعت، يحتفظ الجهاز بالأوراق ويضيفها مصرفك إلى حسابك في أقرب وقت.",
        store: "نعم، أودِع",
        more: "إدخال أوراق أخرى",
        give_back: "لا، أعد أوراقي",
    },
    wait: Wait {
        text: "لحظة من فضلك.",
        reading_card: "جارٍ قراءة بطاقتك",
        asking_bank: "جارٍ سؤال مصرفك",
        counting_out: "جارٍ عدّ أوراقك النقدية",
        counting_in: "جارٍ عدّ أوراقك النقدية",
        printing: "جارٍ طباعة إيصالك",
        starting: "الجهاز قيد التشغيل",
    },
    balance: Balance {
        title: "رصيدك",
        as_of: |date| format!("في {date}"),
        stale: |date| format!("آخر رصيد معروف بتاريخ {date}. لا يشمل ما حدث بعده."),
        again: "عملية أخرى",
        leave: "إنهاء واسترداد البطاقة",
    },
    statement: Statement {
        title: "آخر عملياتك",
        none: "لا توجد عمليات بعد.",
        date: "التاريخ",
        entry: "العملية",
        amount: "المبلغ",
        balance: "الرصيد",
        deposit: "إيداع",
        withdrawal: "سحب نقدي",
        transfer_in: "تحويل وارد",
        transfer_out: "تحويل صادر",
        overdraft_fee: "رسوم السحب على المكشوف",
        reversal: "استرداد",
        other: "أخرى",
    },
    take: Take {
        card: "يرجى أخذ بطاقتك",
        then_cash: "يخرج النقد حالما تأخذ بطاقتك.",
        goodbye: "شكرًا لزيارتك.",
        cash: "يرجى أخذ نقودك",
        cash_hint: "الأوراق التي لا تأخذها تعود إلى الجهاز ولا تُخصم.",
        notes: "يرجى أخذ أوراقك النقدية",
        notes_hint: "هي في فتحة الإيداع. لم يُودَع شيء.",
    },
    done: Done {
        withdrawal: "شكرًا لك",
        charged: |amount| format!("أخذت {amount}، وخُصم هذا المبلغ من حسابك."),
        fee: |fee| format!("رسوم السحب على المكشوف المخصومة: {fee}"),
        balance: |balance| format!("رصيدك الجديد: {balance}"),
        deposit: "تم إيداع أوراقك",
        deposited_now: |amount| format!("أُضيف {amount} إلى حسابك."),
        deposited_later: |amount| format!("الجهاز لديه {amount} منك. يضيفها مصرفك إلى حسابك في أقرب وقت."),
        transfer: "تم تحويلك",
        transfer_later: "تم تسجيل تحويلك",
        transferred_now: |amount| format!("خُصم {amount} من حسابك."),
        transferred_later: |amount| {
            format!("يرسل مصرفك {amount} في أقرب وقت. لا يُخصم شيء قبل ذلك. إذا رُفض، سيتم إعلامك في زيارتك القادمة.")
        },
        pin_changed: "تم تغيير رقمك السري",
        pin_changed_text: "يرجى استخدام الرقم السري الجديد من الآن. لم يُخصم من حسابك شيء.",
        goodbye: "شكرًا لك",
        goodbye_text: "لم يُخصم من حسابك شيء.",
        go_on: "متابعة",
    },
    sorry: Sorry {
        not_charged: "لم يُخصم من حسابك شيء",
        partly_charged: |amount| format!("خُصم {amount} فقط"),
        partly_text: "هذا ما أخذته. عادت بقية الأوراق إلى الجهاز ولم تُخصم.",
        checking: "نتحقق من هذه العملية",
        checking_text: "لا يستطيع الجهاز أن يعرف بالتأكيد كيف انتهت. يتحقق مصرفك منها، ويصحح حسابك تلقائيًا إذا خُصم منه خطأً.",
        note_it: "يرجى تدوين الرقم المرجعي. به يستطيع مصرفك أن يخبرك بالنتيجة.",
        card_kept: "بطاقتك تبقى في الجهاز",
        card_kept_text: "لم يُخصم من حسابك شيء. يرجى طلب بطاقة جديدة من مصرفك.",
        card_refused: "لا يمكن استخدام هذه البطاقة هنا الآن",
        card_refused_text: "لم يُخصم من حسابك شيء. ستسترد بطاقتك.",
    },
    why: Why {
        machine: "لم يتمكن الجهاز من ذلك. يرجى المحاولة مرة أخرى أو استخدام جهاز آخر.",
        bank: "لا يمكن سؤال مصرفك الآن. يرجى المحاولة لاحقًا.",
        card_unreadable: "تعذّرت قراءة البطاقة. يرجى إدخالها مرة أخرى والشريحة إلى الأمام، أو استخدام بطاقة أخرى.",
        too_long: "استغرق الأمر وقتًا طويلًا. يرجى البدء من جديد عندما تكون جاهزًا.",
        cancelled: "لقد أوقفت العملية.",
        card_reported: "أُبلغ عن فقدانها أو سرقتها. يرجى التحدث إلى مصرفك.",
        too_many_pins: "أُدخل الرقم السري خطأً مرات كثيرة. يرجى التحدث إلى مصرفك.",
        not_covered: |available| format!("رصيد حسابك لا يكفي. يمكنك الحصول على {available} على الأكثر."),
        funds: "لم يكن رصيد حسابك كافيًا.",
        over_limit: |limit| format!("هذا أكثر من حد السحب الواحد، وهو {limit}. يرجى اختيار مبلغ أقل."),
        over_daily_limit: |remaining| format!("هذا أكثر مما بقي من حدك لهذا اليوم: {remaining}."),
        over_deposit_limit: |limit| format!("يمكن إيداع {limit} على الأكثر دفعة واحدة. يرجى إدخال أوراق أقل."),
        machine_cash: "لا توجد في الجهاز الأوراق اللازمة. يرجى اختيار مبلغ آخر.",
        card_expired: "انتهت صلاحية البطاقة. يرجى استخدام بطاقتك الجديدة.",
        account: "لا يوجد حساب مفتوح بهذا الرقم. يرجى التحقق منه.",
        same_account: "كلاهما الحساب نفسه. يرجى اختيار حساب آخر.",
        currency: "للحسابات أو الأوراق عملات مختلفة، لذلك لا يمكن ذلك هنا.",
        amount: "هذا المبلغ غير ممكن. يرجى اختيار مبلغ آخر.",
        session: "استغرق الأمر وقتًا طويلًا. يرجى إدخال بطاقتك مرة أخرى.",
        too_often: "محاولات كثيرة في وقت قصير. يرجى الانتظار بضع دقائق.",
        other: "لم يسمح مصرفك بذلك. يرجى التحدث إلى مصرفك.",
    },
    more_time: Choose {
        title: "هل تحتاج إلى مزيد من الوقت؟",
        text: "إذا لم تُجب، تنتهي زيارتك وتسترد بطاقتك.",
        yes: "نعم، مزيد من الوقت",
        no: "لا، أعد بطاقتي",
    },
    closed: Closed {
        title: "هذا الجهاز خارج الخدمة",
        text: "يرجى استخدام جهاز آخر.",
        card_kept: "ما زالت هناك بطاقة في الداخل. إذا كانت لك: لا يستطيع أحد استخدامها هنا. يرجى التحدث إلى مصرفك.",
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_in_arabic() {
        let expected = [
            (1, "واحدة"),
            (2, "ورقتين"),
            (3, "3 أوراق"),
            (10, "10 أوراق"),
            (11, "11 ورقة"),
            (99, "99 ورقة"),
            (100, "100 ورقة"),
            (103, "103 أوراق"),
        ];
        for (notes, part) in expected {
            let said = (WORDS.deposit.refused)(notes);
            assert!(said.contains(part), "{notes}: {said}");
        }
    }
}
